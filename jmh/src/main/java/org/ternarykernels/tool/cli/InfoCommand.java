package org.ternarykernels.tool.cli;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.PrintWriter;
import java.util.Map;
import java.util.concurrent.Callable;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.tool.options.OutputOptions;
import org.ternarykernels.tool.options.RuntimeOptions;
import org.ternarykernels.tool.output.Screen;
import org.ternarykernels.tool.output.TextTable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(
    name = "info",
    description =
        "Show the machine, its instruction sets, the settings in force and which kernel can serve"
            + " here.",
    mixinStandardHelpOptions = true,
    footer = {"", "JSON: the object of TernaryRuntime.infoJson()."})
final class InfoCommand implements Callable<Integer> {
  @Mixin private RuntimeOptions runtimeOptions;

  @Mixin(name = "output")
  private OutputOptions output;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    try (TernaryRuntime runtime = runtimeOptions.open()) {
      ObjectMapper mapper = new ObjectMapper();
      JsonNode info = mapper.readTree(runtime.infoJson());
      print(Screen.of(spec), info);
      output.write(mapper.convertValue(info, new TypeReference<Map<String, Object>>() {}));
    }
    return 0;
  }

  private static void print(Screen screen, JsonNode info) {
    PrintWriter out = screen.out();
    out.printf("version  %s%n", info.get("version").asText());
    out.printf("device   %s%n", info.get("device").asText());
    JsonNode gpu = info.get("cuda");
    if (gpu.get("used").asBoolean()) {
      out.printf(
          "gpu      %s (cuda:%s, compute capability %s, %s SMs, kernels of %s, driver %s, CUDA"
              + " runtime %s)%n",
          gpu.get("name").asText(),
          gpu.get("ordinal").asText(),
          gpu.get("capability").asText(),
          gpu.get("sms").asText(),
          gpu.get("library").asText(),
          gpu.get("driver").asText(),
          gpu.get("runtime").asText());
    } else if (!gpu.get("reason").asText().isEmpty()) {
      out.printf("gpu      none: %s%n", gpu.get("reason").asText());
    }
    out.printf("threads  %s%n", info.get("threads").asText());
    out.printf("%nInstruction sets%n");
    for (JsonNode isa : info.get("isas")) {
      out.printf("  %-12s %s%n", isa.get("name").asText(), availability(isa));
    }
    out.printf("%nSettings%n");
    for (JsonNode setting : info.get("settings")) {
      String value = setting.get("value").asText();
      out.printf(
          "  %-28s %-12s %s%n",
          setting.get("name").asText(),
          value.isEmpty() ? "-" : value,
          setting.get("origin").asText());
    }
    JsonNode tuning = info.get("tuning");
    String file = tuning.get("file").asText();
    out.printf(
        "%nTuning %s on %s%s%n",
        tuning.get("isa").asText(),
        tuning.get("microarchitecture").asText(),
        file.isEmpty() ? ", built in" : ", " + file);
    if (!tuning.get("error").asText().isEmpty()) {
      out.printf("  not used: %s%n", tuning.get("error").asText());
    }
    for (JsonNode value : tuning.get("values")) {
      String builtIn =
          value.get("value").equals(value.get("built_in"))
              ? ""
              : "built in: " + value.get("built_in");
      out.printf(
          "  %-28s %-12s %s%n", value.get("name").asText(), value.get("value").asText(), builtIn);
    }
    out.printf("%nKernels%n");
    kernels(screen, info.get("kernels"));
  }

  private static void kernels(Screen screen, JsonNode kernels) {
    int name = 0; // 48 and 30 columns make 80; the instruction sets above have whole reasons
    for (JsonNode kernel : kernels) {
      name = Math.max(name, kernel.get("name").asText().length());
    }
    TextTable table =
        screen.table().left("name", name).left("serves", 30).left("stage", 12).left("layout", 10);
    for (JsonNode kernel : kernels) {
      table.row(
          kernel.get("name").asText(),
          availability(kernel),
          kernel.get("stage").asText(),
          kernel.path("layout").asText("-"));
    }
    table.end();
  }

  private static String availability(JsonNode item) {
    return item.get("available").asBoolean() ? "yes" : "no: " + item.get("reason").asText();
  }
}
