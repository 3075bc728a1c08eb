package org.ternarykernels.tool.verify;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How one kernel did on one problem.
 *
 * @param path the kernel that served, as the counters name it
 * @param residualRight whether residual_out had the bits of x + residual; true where there is none
 */
public record VerifyResult(
    String path,
    Map<String, Object> problem,
    ErrorStatistics fp32,
    ErrorStatistics fp16,
    boolean residualRight,
    boolean passed) {

  public Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>(problem);
    json.put("path", path);
    json.put("fp32", fp32.json());
    json.put("fp16", fp16.json());
    json.put("residual_out_right", residualRight);
    json.put("passed", passed);
    return json;
  }
}
