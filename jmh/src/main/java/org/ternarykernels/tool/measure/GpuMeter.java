package org.ternarykernels.tool.measure;

import static org.bytedeco.cuda.global.nvml.NVML_SUCCESS;
import static org.bytedeco.cuda.global.nvml.nvmlDeviceGetHandleByIndex_v2;
import static org.bytedeco.cuda.global.nvml.nvmlDeviceGetMemoryInfo;
import static org.bytedeco.cuda.global.nvml.nvmlDeviceGetPowerUsage;
import static org.bytedeco.cuda.global.nvml.nvmlInit_v2;

import org.bytedeco.cuda.nvml.nvmlDevice_st;
import org.bytedeco.cuda.nvml.nvmlMemory_t;
import org.ternarykernels.Device;

/** What NVML says of a GPU: memory and power. Where there is no NVML it says nothing. */
public final class GpuMeter {
  private final nvmlDevice_st handle;

  private GpuMeter(nvmlDevice_st handle) {
    this.handle = handle;
  }

  /** The meter of a runtime's device. */
  public static GpuMeter of(Device device) {
    if (!device.isCuda() || !DeviceClock.tellsTime(device)) {
      return new GpuMeter(null);
    }
    try {
      nvmlDevice_st handle = new nvmlDevice_st();
      boolean found =
          nvmlInit_v2() == NVML_SUCCESS
              && nvmlDeviceGetHandleByIndex_v2(device.ordinal(), handle) == NVML_SUCCESS;
      return new GpuMeter(found ? handle : null);
    } catch (LinkageError e) {
      return new GpuMeter(null); // no driver, or a jar without NVML's binding
    }
  }

  /** Bytes of its memory that are in use, by whomever; null if unknown. */
  public Long memoryBytes() {
    if (handle == null) {
      return null;
    }
    try (nvmlMemory_t memory = new nvmlMemory_t()) {
      return nvmlDeviceGetMemoryInfo(handle, memory) == NVML_SUCCESS ? memory.used() : null;
    }
  }

  /** What it draws; null if unknown. */
  public Double watts() {
    if (handle == null) {
      return null;
    }
    int[] milliwatts = new int[1];
    return nvmlDeviceGetPowerUsage(handle, milliwatts) == NVML_SUCCESS ? milliwatts[0] / 1e3 : null;
  }
}
