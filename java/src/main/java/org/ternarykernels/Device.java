package org.ternarykernels;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.ternarykernels.internal.RuntimeSettings;
import org.ternarykernels.storage.Json;

/**
 * Where a runtime computes.
 *
 * @param isCuda whether it is a GPU
 * @param ordinal of the GPU as CUDA counts them; -1 for the CPU
 * @param name of the processor or GPU
 * @param capability of the GPU, for example "9.0"; empty for the CPU
 * @param library with the kernels that serve the GPU, for example "sm90a"; empty for the CPU
 * @param reason why {@code auto} did not choose a GPU; empty if it did, or if the CPU was asked for
 */
public record Device(
    boolean isCuda, int ordinal, String name, String capability, String library, String reason) {
  /**
   * The device as {@link TernaryRuntime.Builder#device} asks for it.
   *
   * @return {@code cpu} or, for example, {@code cuda:0}
   * @since 0.2.0
   */
  public String id() {
    return isCuda ? RuntimeSettings.cuda(ordinal) : "cpu";
  }

  /** Reads {@code device} and {@code cuda} of a runtime's info. */
  static Device of(String infoJson, String hint) {
    String processor = "";
    Map<String, String> cuda = new HashMap<>();
    try (JsonParser parser = Json.FACTORY.createParser(infoJson)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.FIELD_NAME) {
        String member = parser.currentName();
        JsonToken value = parser.nextToken();
        if (member.equals("device")) {
          processor = parser.getText();
        } else if (member.equals("cuda") && value == JsonToken.START_OBJECT) {
          while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String name = parser.currentName();
            parser.nextToken();
            cuda.put(name, parser.getText());
            parser.skipChildren();
          }
        } else {
          parser.skipChildren();
        }
      }
    } catch (IOException e) {
      throw new TernaryException("the native info is no JSON: " + infoJson, e);
    }
    if (!"true".equals(cuda.get("used"))) {
      String reason = cuda.getOrDefault("reason", "");
      return new Device(false, -1, processor, "", "", reason.isEmpty() ? "" : reason + hint);
    }
    return new Device(
        true,
        Integer.parseInt(cuda.get("ordinal")),
        cuda.getOrDefault("name", ""),
        cuda.getOrDefault("capability", ""),
        cuda.getOrDefault("library", ""),
        "");
  }
}
