package org.ternarykernels.tool.load;

import org.ternarykernels.tool.options.RuntimeOptions;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** What each user asks for. */
public final class LoadOptions {
  private static final int MOST_REQUESTS = 1_000_000;
  private static final int MOST_TOKENS = 1_000_000;
  private static final double MOST_SECONDS = 60;

  /** Reads a mix of prompts. */
  static final class MixText implements ITypeConverter<PromptMix> {
    @Override
    public PromptMix convert(String text) {
      try {
        return PromptMix.parse(text);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }

  @Option(
      names = "--mix",
      paramLabel = "MIX",
      defaultValue = "30x64,50x256,20x1024",
      converter = MixText.class,
      description =
          "Prompts by weight and tokens (default ${DEFAULT-VALUE}: of ten 3 have 64 tokens, 5"
              + " have 256, 2 have 1024).")
  private PromptMix mix;

  @Option(
      names = "--tokens",
      paramLabel = "N",
      defaultValue = "64",
      description = "Tokens that are written behind each prompt (default ${DEFAULT-VALUE}).")
  private int tokens;

  @Option(
      names = "--requests",
      paramLabel = "N",
      description = "Requests of a row (default: two for each user).")
  private Integer requests;

  @Option(
      names = "--hold",
      description = "All users begin at once; without it one a millisecond begins.")
  private boolean hold;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      defaultValue = "60",
      description = "Time of a row, 60 at most (default ${DEFAULT-VALUE}); then it is cut off.")
  private double seconds;

  @Option(
      names = "--warmup",
      paramLabel = "STEPS",
      defaultValue = "3",
      description = "Steps before everything that are not measured (default ${DEFAULT-VALUE}).")
  private int warmup;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "1",
      description = "Seed of prompts and their order (default ${DEFAULT-VALUE}).")
  private long seed;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  /** Refuses what cannot be. */
  public void check() {
    CommandLine line = command.commandLine();
    RuntimeOptions.require(
        tokens >= 1 && tokens <= MOST_TOKENS, line, "--tokens", tokens, "1 to " + MOST_TOKENS);
    RuntimeOptions.require(
        requests == null || requests >= 1 && requests <= MOST_REQUESTS,
        line,
        "--requests",
        requests,
        "1 to " + MOST_REQUESTS);
    RuntimeOptions.require(
        seconds > 0 && seconds <= MOST_SECONDS, line, "--seconds", seconds, "above 0 to 60");
    RuntimeOptions.require(warmup >= 0, line, "--warmup", warmup, "at least 0");
  }

  /** The plan of so many users. */
  public LoadPlan plan(int users, double rate) {
    int all = requests == null ? 2 * users : requests;
    return new LoadPlan(users, all, mix, tokens, rate, hold, seconds, seed);
  }

  /** Steps before everything. */
  public int warmup() {
    return warmup;
  }

  /** Tokens that a user's text has in the end, at most. */
  public int longestText() {
    return mix.longest() + tokens;
  }
}
