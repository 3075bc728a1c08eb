package org.ternarykernels.tool.options;

import java.io.PrintWriter;
import java.nio.file.Path;
import org.ternarykernels.Activation;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.example.Model;
import org.ternarykernels.io.Checkpoint;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Which model a command runs, and what of its files it does without. */
public final class ModelOptions {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description =
          "Folder with config.json, and model.safetensors or its shards and"
              + " model.safetensors.index.json.")
  private Path folder;

  @Option(
      names = "--ignore-config",
      paramLabel = "NAME",
      description =
          "Run as if config.json did not have this value (of a nested one the dotted name, or that"
              + " of the object around it). May be repeated. A value that can change the numbers"
              + " and is not known is an error otherwise.")
  private String[] ignoredConfig = {};

  @Option(
      names = "--ignore-tensor",
      paramLabel = "PATTERN",
      description =
          "Run as if the model did not have tensors of this name; * stands for any characters. May"
              + " be repeated. A tensor that is not used is an error otherwise.")
  private String[] ignoredTensors = {};

  @Option(
      names = "--activation",
      paramLabel = "A",
      defaultValue = "a8",
      converter = RuntimeOptions.ActivationName.class,
      description =
          "How the layers use activations: a8 (default, one scale a token, as a BitNet is trained),"
              + " a8:B (one for each B columns) or a16 (not quantised, as a Mangrove is trained).")
  private Activation activation;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  public Activation activation() {
    return activation;
  }

  /** Loads the model; says on stderr what of its config.json it does not know. */
  public Model load(TernaryRuntime runtime) {
    return load(runtime, activation);
  }

  /** The same with another way to use activations. */
  public Model load(TernaryRuntime runtime, Activation activation) {
    try (Checkpoint checkpoint =
        Checkpoint.builder(folder)
            .ignoreConfig(ignoredConfig)
            .ignoreTensors(ignoredTensors)
            .build()) {
      Model model = Model.load(runtime, checkpoint, activation);
      for (String name : model.config().unknown()) {
        PrintWriter err = command.commandLine().getErr();
        err.println("warning: config.json has " + name + ", which this model does not know or use");
      }
      return model;
    }
  }
}
