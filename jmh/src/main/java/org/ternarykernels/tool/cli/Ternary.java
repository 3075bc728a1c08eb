package org.ternarykernels.tool.cli;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import org.ternarykernels.tool.capacity.CapacityCommand;
import org.ternarykernels.tool.hybrid.HybridCommand;
import org.ternarykernels.tool.load.LoadCommand;
import org.ternarykernels.tool.options.OutDirOptions;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.output.OutputFile;
import org.ternarykernels.tool.output.RunFolder;
import org.ternarykernels.tool.output.StandardStream;
import org.ternarykernels.tool.parity.ParityCommand;
import org.ternarykernels.tool.report.ReportCommand;
import org.ternarykernels.tool.run.RunCommand;
import org.ternarykernels.tool.shadow.ShadowCommand;
import org.ternarykernels.tool.sweep.SweepCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command line {@code ternary}. Exit codes: 0 done; 1 a failure that was measured or met; 2 a
 * wrong call.
 */
@Command(
    name = "ternary",
    description = "Matrix products with ternary weights: try them, time them, check their numbers.",
    subcommands = {
      QuickstartCommand.class,
      InfoCommand.class,
      DecodeCommand.class,
      PerplexityCommand.class,
      RunCommand.class,
      VerifyCommand.class,
      BenchCommand.class,
      TuneCommand.class,
      HybridCommand.class,
      LoadCommand.class,
      CapacityCommand.class,
      ParityCommand.class,
      SweepCommand.class,
      ReportCommand.class,
      ShadowCommand.class,
      CompletionCommand.class,
      ManPageCommand.class,
      CommandLine.HelpCommand.class
    },
    mixinStandardHelpOptions = true,
    versionProvider = Ternary.Version.class,
    footer = {"", "Exit codes: 0 done; 1 a failure that was measured or met; 2 a wrong call."})
public final class Ternary implements Runnable {
  /** Where the run that is in work leaves its results, if it does. */
  private static volatile RunFolder running;

  @Spec private CommandSpec spec;

  /** The library's version. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Ternary.class.getPackage().getImplementationVersion();
      return new String[] {"ternary " + (version == null ? "(not packaged)" : version)};
    }
  }

  public static void main(String[] arguments) {
    CommandLine command = commandLine().setOut(StandardStream.out()).setErr(StandardStream.err());
    Runtime.getRuntime().addShutdownHook(new Thread(Ternary::interrupted, "says how to go on"));
    System.exit(command.execute(arguments));
  }

  /** The command line with its error handling; tests give it their own writers. */
  static CommandLine commandLine() {
    return new CommandLine(new Ternary())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setUsageHelpAutoWidth(true)
        .setExpandAtFiles(false) // a prompt or a path may begin with @
        .setExecutionStrategy(Ternary::execute)
        .setParameterExceptionHandler(Ternary::wrongUsage)
        .setExecutionExceptionHandler(Ternary::failure);
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "Missing command; \"ternary --help\" lists them");
  }

  /** The last line of a run that Ctrl-C ends. */
  private static void interrupted() {
    RunFolder folder = running;
    if (folder != null && !folder.hint().isEmpty()) {
      StandardStream.err().println("ternary: interrupted; " + folder.hint());
    }
  }

  /**
   * Runs the command; what the JVM throws when natives or memory are missing becomes a sentence
   * too.
   */
  private static int execute(ParseResult parsed) {
    List<CommandLine> commands = parsed.asCommandLineList();
    CommandLine command = commands.get(commands.size() - 1);
    boolean help =
        commands.stream().anyMatch(c -> c.isUsageHelpRequested() || c.isVersionHelpRequested());
    List<OutputFile> outputs = new ArrayList<>();
    try {
      if (!help) {
        open(command, outputs);
      }
      int exitCode = new CommandLine.RunLast().execute(parsed);
      running = null;
      return exitCode;
    } catch (LinkageError | OutOfMemoryError e) {
      throw new ExecutionException(command, sentence(e), e);
    } finally {
      outputs.forEach(Ternary::close);
    }
  }

  /** Opens what the command's options name to be written, before the work that it takes. */
  private static void open(CommandLine command, List<OutputFile> opened) {
    List<OptionSpec> options =
        command.getCommandSpec().options().stream()
            .filter(option -> option.getValue() instanceof OutputFile)
            .toList();
    for (OptionSpec option : options) {
      OutputFile output = option.getValue();
      try {
        output.open(command.getOut());
      } catch (IOException e) {
        throw new ParameterException(
            command,
            option.longestName() + " is " + output + ", which cannot be written: " + e.getMessage(),
            e);
      }
      if (opened.stream().anyMatch(output::isSameFile)) {
        throw new ParameterException(
            command, option.longestName() + " is " + output + ", must be a file of its own");
      }
      opened.add(output);
    }
    if (opened.stream().anyMatch(OutputFile::isStandardOutput)) {
      command.setOut(command.getErr()); // what people read must not be between the JSON
    }
    for (Object mixin : command.getMixins().values()) {
      if (mixin instanceof OutDirOptions outDir) {
        open(command, outDir);
      }
    }
  }

  private static void open(CommandLine command, OutDirOptions outDir) {
    RunFolder folder = outDir.folder();
    if (folder == null) {
      RuntimeOptions.require(!outDir.resumes(), command, "--resume", "set", "beside --out-dir");
      return;
    }
    try {
      folder.open(outDir.resumes());
    } catch (IOException e) {
      throw new ParameterException(
          command, "--out-dir is " + folder + ", which cannot be used: " + e.getMessage(), e);
    }
    running = folder;
  }

  private static void close(OutputFile output) {
    try {
      output.close();
    } catch (IOException e) {
      throw new UncheckedIOException(output + " cannot be written: " + e.getMessage(), e);
    }
  }

  private static int wrongUsage(ParameterException error, String[] arguments) {
    CommandLine command = error.getCommandLine();
    String guess =
        error instanceof UnmatchedArgumentException unmatched
                && !unmatched.getSuggestions().isEmpty()
            ? "; did you mean " + String.join(" or ", unmatched.getSuggestions()) + "?"
            : "";
    command.getErr().println("ternary: " + oneLine(error.getMessage()) + guess);
    return CommandLine.ExitCode.USAGE;
  }

  private static int failure(Exception error, CommandLine command, ParseResult parsed) {
    PrintWriter err = command.getErr();
    err.println("ternary " + command.getCommandName() + ": " + sentence(error));
    if (command.getMixins().get("output") instanceof OutputOptions output && output.verbose) {
      error.printStackTrace(err);
    }
    RunFolder folder = running;
    running = null;
    if (folder != null && !folder.hint().isEmpty()) {
      err.println(folder.hint());
    }
    return CommandLine.ExitCode.SOFTWARE;
  }

  /** What went wrong, in words: some exceptions of the JDK only name the file. */
  private static String sentence(Throwable error) {
    String message = error.getMessage();
    if (error instanceof NoSuchFileException || error instanceof FileNotFoundException) {
      return "no such file: " + message;
    }
    if (error instanceof AccessDeniedException) {
      return "access denied: " + message;
    }
    if (error instanceof FileAlreadyExistsException) {
      return "already exists: " + message;
    }
    if (error instanceof OutOfMemoryError) {
      return "out of memory: " + message;
    }
    if (message == null || message.isBlank()) {
      return error.getClass().getSimpleName() + "; --verbose shows where";
    }
    return oneLine(message);
  }

  private static String oneLine(String message) {
    return message.strip().replaceAll("\\s*\\R\\s*", " ");
  }
}
