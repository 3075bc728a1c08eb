package org.ternarykernels.tool.stack;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import org.ternarykernels.example.FeedForwardConfig;
import org.ternarykernels.example.ModelConfig;

/**
 * How often a stack has its layers, and what a token of a user's text costs beside them.
 *
 * @param layers blocks, each with every layer of the shape file once
 * @param kvHeads heads of keys and values; 0: not known
 * @param headDim features of a head; 0: not known
 * @param context tokens that a text may have; 0: not known
 * @param alpha what a scale belongs to: {@code tensor}, {@code row}, {@code column} or {@code
 *     group:G}
 * @param experts of a layer of experts; 0 where there is none
 * @param active experts of a row
 */
public record StackSizes(
    int layers, int kvHeads, int headDim, int context, String alpha, int experts, int active) {
  /** Bytes of a number in a server's KV cache, which holds 16-bit floats. */
  private static final int KV_NUMBER_BYTES = 2;

  private static final List<String> ALPHAS = List.of("tensor", "row", "column");
  private static final List<String> MEMBERS =
      List.of("layers", "kv_heads", "head_dim", "context", "alpha", "experts", "active");

  /** A checked one. */
  public StackSizes {
    require(layers >= 1, "layers", layers, "at least 1");
    require(kvHeads >= 0, "kv_heads", kvHeads, "at least 0");
    require(headDim >= 0, "head_dim", headDim, "at least 0");
    require(context >= 0, "context", context, "at least 0");
    require(experts >= 0, "experts", experts, "at least 0");
    require(active >= 0 && active <= experts, "active", active, "0 to experts");
    require(
        ALPHAS.contains(alpha) || alpha.matches("group:[1-9]\\d{0,6}"),
        "alpha",
        alpha,
        "tensor, row, column or group:G");
  }

  private static void require(boolean valid, String name, Object value, String rule) {
    if (!valid) {
      throw new IllegalArgumentException(name + " is " + value + ", must be " + rule);
    }
  }

  /**
   * One entry of {@code stacks.yaml}; what it leaves out is not known.
   *
   * @throws IllegalArgumentException if it has something else, or a value of another kind
   */
  static StackSizes of(JsonNode entry) {
    require(entry.isMissingNode() || entry.isObject(), "the file", entry, "NAME: VALUE");
    entry
        .fieldNames()
        .forEachRemaining(
            name ->
                require(
                    MEMBERS.contains(name),
                    name,
                    entry.get(name),
                    "left out: it is not one of " + String.join(", ", MEMBERS)));
    return new StackSizes(
        number(entry, "layers", 1),
        number(entry, "kv_heads", 0),
        number(entry, "head_dim", 0),
        number(entry, "context", 0),
        entry.path("alpha").asText("tensor"),
        number(entry, "experts", 0),
        number(entry, "active", 0));
  }

  private static int number(JsonNode entry, String name, int unknown) {
    JsonNode value = entry.path(name);
    require(
        value.isMissingNode() || value.isIntegralNumber() && value.canConvertToInt(),
        name,
        value,
        "a whole number");
    return value.asInt(unknown);
  }

  /** Those of a real model. */
  static StackSizes of(ModelConfig config) {
    boolean experts = config.feedForward() instanceof FeedForwardConfig.Experts;
    return new StackSizes(
        config.layers(),
        config.attention().kvHeads(),
        config.attention().headDim(),
        config.context(),
        experts ? "column" : "tensor",
        config.feedForward() instanceof FeedForwardConfig.Experts some ? some.count() : 0,
        config.feedForward() instanceof FeedForwardConfig.Experts some ? some.perToken() : 0);
  }

  /** The same with another number of blocks. */
  StackSizes withLayers(int count) {
    return new StackSizes(count, kvHeads, headDim, context, alpha, experts, active);
  }

  /** Columns that share an alpha; 0 where alpha is of something else. */
  int group() {
    return alpha.startsWith("group:") ? Integer.parseInt(alpha.substring("group:".length())) : 0;
  }

  /** Bytes of a token's keys and values in all blocks; 0: not known. */
  public long kvBytesOfToken() {
    return 2L * layers * kvHeads * headDim * KV_NUMBER_BYTES;
  }
}
