package org.ternarykernels.tool.cli;

import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
    name = "completion",
    description =
        "Print a script that completes commands, options and values of ternary in bash and zsh.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "In ~/.bashrc or ~/.zshrc, FILE being where the tool's jar lies:",
      "  alias ternary='java -jar FILE'",
      "  source <(ternary completion)"
    })
final class CompletionCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    spec.commandLine().getOut().print(AutoComplete.bash("ternary", spec.root().commandLine()));
    spec.commandLine().getOut().flush();
  }
}
