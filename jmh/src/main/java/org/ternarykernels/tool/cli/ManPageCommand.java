package org.ternarykernels.tool.cli;

import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
    name = "man-page",
    description = "Print the manual page of ternary, for man -l or a folder of manual pages.",
    mixinStandardHelpOptions = true)
final class ManPageCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    PrintWriter out = spec.commandLine().getOut();
    out.print(new ManPage(spec.root()).text());
    out.flush();
  }
}
