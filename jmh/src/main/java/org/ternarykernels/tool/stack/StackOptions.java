package org.ternarykernels.tool.stack;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.ternarykernels.Activation;
import org.ternarykernels.Layout;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.example.Model;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.options.ShapeFiles;
import org.ternarykernels.tool.options.Yaml;
import org.ternarykernels.tool.problem.BundledData;
import org.ternarykernels.tool.problem.Shape;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Which stack of layers a command takes steps through. */
public final class StackOptions {
  private static final int MOST_LAYERS = 1024;
  private static final int MOST_ROWS = 65536;
  private static final String DEFAULT_SHAPES = "bitnet-2b-4t";

  @Option(
      names = "--shapes",
      paramLabel = "NAME|FILE",
      description =
          "Random weights in a model's shapes: a bundled shape file by its name, or a file of lines"
              + " \"N K [name]\" (default: "
              + DEFAULT_SHAPES
              + ").")
  private Path shapes;

  @Option(
      names = "--sizes",
      paramLabel = "FILE",
      description =
          "YAML with layers, kv_heads, head_dim, context, alpha (tensor, row, column, group:G),"
              + " experts and active of a shape file that is not bundled.")
  private Path sizes;

  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "A real model in place of shapes: a folder with config.json and safetensors.")
  private Path model;

  @Option(
      names = "--layers",
      paramLabel = "N",
      description = "Blocks of the stack of shapes (default: the model's).")
  private Integer layers;

  @Option(
      names = "--layout",
      paramLabel = "LAYOUT",
      description =
          "Layout of the weights of shapes: ${COMPLETION-CANDIDATES} (default: the library's"
              + " choice).")
  private Layout layout;

  @Option(
      names = "--activation",
      paramLabel = "A",
      defaultValue = "a8",
      converter = RuntimeOptions.ActivationName.class,
      description = "a8 (default), a8:B or a16.")
  private Activation activation;

  @Option(
      names = "--batch",
      paramLabel = "ROWS",
      defaultValue = "64",
      description = "Rows that a step may have, of all users together (default ${DEFAULT-VALUE}).")
  private int batch;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  /** Rows that a step may have. */
  public int batch() {
    return batch;
  }

  /** Refuses what cannot be, before anything is made. */
  public void check() {
    CommandLine line = command.commandLine();
    RuntimeOptions.require(
        batch >= 1 && batch <= MOST_ROWS, line, "--batch", batch, "1 to " + MOST_ROWS);
    RuntimeOptions.require(
        layers == null || layers >= 1 && layers <= MOST_LAYERS,
        line,
        "--layers",
        layers,
        "1 to " + MOST_LAYERS);
    RuntimeOptions.require(
        model == null || shapes == null && sizes == null && layers == null && layout == null,
        line,
        "--model",
        model,
        "without --shapes, --sizes, --layers and --layout");
  }

  /**
   * Makes the stack. It is closed before the runtime is.
   *
   * @throws CommandLine.ParameterException if a file that an option names cannot serve
   */
  public Stack open(TernaryRuntime runtime) throws IOException {
    return open(runtime, StackCalls.USUAL);
  }

  /**
   * Makes the stack with rows in host memory, also where the runtime has a GPU.
   *
   * @param watch sees the products of shapes; those of a real model pass it by
   */
  public Stack openOnHost(TernaryRuntime runtime, ProductWatch watch) throws IOException {
    return open(runtime, new StackCalls(true, watch));
  }

  private Stack open(TernaryRuntime runtime, StackCalls calls) throws IOException {
    check();
    return named(() -> make(runtime, calls));
  }

  /** Something of the files that options name. */
  private interface Content<T> {
    T read() throws IOException;
  }

  private <T> T named(Content<T> content) throws IOException {
    try {
      return content.read();
    } catch (IllegalArgumentException | NoSuchFileException e) {
      String missing = e instanceof NoSuchFileException ? "no such file: " : "";
      throw new CommandLine.ParameterException(command.commandLine(), missing + e.getMessage(), e);
    }
  }

  private Stack make(TernaryRuntime runtime, StackCalls calls) throws IOException {
    if (model != null) {
      Path name = model.toAbsolutePath().normalize().getFileName();
      return new ModelStack(String.valueOf(name), Model.load(runtime, model, activation), batch);
    }
    StackSizes known = sizes();
    return new ShapeStack(
        ShapeFiles.name(wanted()),
        layers == null ? known : known.withLayers(layers),
        shapes(),
        runtime,
        layout,
        activation,
        batch,
        calls);
  }

  /** Whether a real model is in the place of shapes. */
  public boolean ofModel() {
    return model != null;
  }

  /** The layout that the user wants; null for the library's choice. */
  public Layout layout() {
    return layout;
  }

  public Activation activation() {
    return activation;
  }

  /**
   * Blocks, each of which has every shape but that of the output layer.
   *
   * @throws CommandLine.ParameterException if a file that an option names cannot serve
   */
  public int blocks() throws IOException {
    return layers == null ? named(this::sizes).layers() : layers;
  }

  /**
   * The shapes of one block, and of the output layer.
   *
   * @throws CommandLine.ParameterException if a file that an option names cannot serve
   */
  public List<Shape> shapes() throws IOException {
    return ShapeFiles.read(command.commandLine(), wanted());
  }

  private Path wanted() {
    return shapes == null ? Path.of(DEFAULT_SHAPES) : shapes;
  }

  private StackSizes sizes() throws IOException {
    return sizes == null
        ? bundledSizes(wanted().toString())
        : parse(sizes.toString(), Files.readString(sizes));
  }

  /** Those of a bundled shape file; of any other one block and nothing else that is known. */
  static StackSizes bundledSizes(String name) throws IOException {
    try (BundledData data = new BundledData(null)) {
      JsonNode all = Yaml.tree("stacks.yaml", new String(data.stacks(), StandardCharsets.UTF_8));
      return StackSizes.of(all.path(name));
    }
  }

  private static StackSizes parse(String file, String text) {
    JsonNode tree = Yaml.tree(file, text);
    try {
      return StackSizes.of(tree);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
    }
  }
}
