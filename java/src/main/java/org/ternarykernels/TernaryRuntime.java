package org.ternarykernels;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.binding.CudaLibraries;
import org.ternarykernels.binding.NativeLibraries;
import org.ternarykernels.binding.Ternary;
import org.ternarykernels.internal.Checks;
import org.ternarykernels.internal.NativeHandle;
import org.ternarykernels.internal.NativeMemory;
import org.ternarykernels.internal.NativeText;
import org.ternarykernels.internal.RuntimeSettings;
import org.ternarykernels.internal.Scratch;
import org.ternarykernels.internal.Status;
import org.ternarykernels.internal.observation.CallRecord;
import org.ternarykernels.internal.observation.CountersJson;
import org.ternarykernels.internal.observation.DeviceLog;
import org.ternarykernels.internal.observation.FlightRecording;
import org.ternarykernels.internal.observation.NativeRuntime;
import org.ternarykernels.internal.observation.NoticeLog;
import org.ternarykernels.internal.observation.Observation;
import org.ternarykernels.internal.observation.ReportLog;
import org.ternarykernels.internal.observation.TuningLog;

/**
 * Configuration, threads and counters of the kernels.
 *
 * <p>Every setting comes from the builder, else from a system property, else from the environment,
 * else from a file of {@link Builder#settings}: {@code maxIsa} is {@code ternary.max.isa} and
 * {@code TERNARY_MAX_ISA}, and so on. A value that cannot be honoured is an error that names it.
 *
 * <p>Any number of threads may use one runtime; parallel callers share its threads. {@link
 * #close()} ends its use, also by layers: calls that run then end first, and the last one ends the
 * native threads.
 */
public final class TernaryRuntime implements AutoCloseable {
  private final long address;
  private final NativeRuntime core;
  private final NativeHandle.Owned owned;
  private final NoticeLog noticeLog;
  private final Device device;
  private final Staging staging = new Staging();
  private final RowOperations rows;
  private final Experts experts = new Experts(this);

  private TernaryRuntime(NativeRuntime core, String hint) {
    this.core = core;
    this.address = core.address();
    this.rows = new RowOperations(this, address);
    this.noticeLog = new NoticeLog(core);
    this.owned = NativeHandle.own(this, "the runtime is", core::end);
    String info = infoJson();
    this.device = Device.of(info, hint);
    Observation.LOG.attempt(() -> TuningLog.say(info));
    Observation.LOG.attempt(() -> ReportLog.say(info));
    Observation.LOG.attempt(() -> DeviceLog.say(device, info));
  }

  private static TernaryRuntime of(NativeRuntime core, String hint) {
    try {
      TernaryRuntime runtime = new TernaryRuntime(core, hint);
      FlightRecording.add(core);
      return runtime;
    } catch (RuntimeException | Error e) { // no memory: its threads would stay
      core.end();
      throw e;
    }
  }

  /**
   * A runtime with the settings of system properties and environment.
   *
   * @return the runtime
   * @throws IllegalArgumentException if a setting cannot be honoured
   * @throws UnsatisfiedLinkError if the platform is not supported or the natives cannot be
   *     extracted
   */
  public static TernaryRuntime create() {
    return builder().build();
  }

  /**
   * Starts a runtime with settings of its own.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /** Collects settings; they are checked when the runtime is built. Not thread-safe. */
  public static final class Builder {
    private final RuntimeSettings settings = new RuntimeSettings();

    private Builder() {}

    /**
     * Reads settings that nothing else says from a file: lines {@code NAME=VALUE} with the names of
     * environment variables, {@code #} before comments. {@code ternary sweep} and {@code hybrid}
     * write such files. It cannot have {@code TERNARY_DEVICE} and {@code TERNARY_SHADOW}, which say
     * what is loaded before the file is read. A fault in it is an error that names its line.
     *
     * @param file to read; an empty path for none
     * @return this
     * @since 0.2.0
     */
    public Builder settings(Path file) {
      return set("TERNARY_SETTINGS", file);
    }

    /**
     * Where the runtime computes. On a GPU, products of host memory are copied to and fro and have
     * the same bits; products of {@link DeviceBuffer}s run there as they are. GPUs need the jar
     * with the classifier {@code linux-x86_64-cuda} on the class path.
     *
     * @param device {@code cpu} (the default), {@code cuda} or {@code cuda:N} for the N-th GPU,
     *     {@code auto} for the first GPU if it can serve and else the CPU; {@link
     *     TernaryRuntime#device()} and a log message say why it does not. A GPU that no library has
     *     code for serves only if it is asked for by {@code cuda}, with what the driver compiles
     *     for it, which takes seconds and is logged as a warning
     * @return this
     */
    public Builder device(String device) {
      return set(RuntimeSettings.DEVICE, device);
    }

    /**
     * Only kernels of an instruction set and of those that it implies serve. {@link Isa#AVX512VNNI}
     * does not imply {@link Isa#AVXVNNI}.
     *
     * @param isa one that the machine has
     * @return this
     */
    public Builder maxIsa(Isa isa) {
      return set("TERNARY_MAX_ISA", Checks.notNull("isa", isa).id());
    }

    /**
     * Threads that a call may use, the caller's included.
     *
     * @param threads 1 to 1024; default: the physical cores available to the process
     * @return this
     */
    public Builder threads(int threads) {
      return set("TERNARY_NUM_THREADS", threads);
    }

    /**
     * Counts paths and fallbacks.
     *
     * @param collect default true
     * @return this
     */
    public Builder collectPathStats(boolean collect) {
      return set("TERNARY_COLLECT_PATH_STATS", flag(collect));
    }

    /**
     * Writes the process's counters as JSON at exit.
     *
     * @param file to write; <code>{pid}</code> is expanded
     * @return this
     */
    public Builder pathReport(Path file) {
      return set("TERNARY_PATH_REPORT", file);
    }

    /**
     * Also rewrites the report while running. If that fails it is logged once and products go on.
     *
     * @param calls from one report to the next; 0: only at exit
     * @return this
     */
    public Builder pathReportEvery(long calls) {
      return set("TERNARY_PATH_REPORT_EVERY", calls);
    }

    /**
     * Makes a fallback an error.
     *
     * @param only default false
     * @return this
     */
    public Builder i2sOnly(boolean only) {
      return set("TERNARY_I2S_ONLY", flag(only));
    }

    /**
     * Runs norm and product of {@link RmsNormLinear} in one pass.
     *
     * @param fuse default true; the bits are the same
     * @return this
     */
    public Builder fuseRmsNormQkv(boolean fuse) {
      return set("TERNARY_FUSE_RMSNORM_QKV", flag(fuse));
    }

    /**
     * Starts a kernel while the one before it ends (programmatic dependent launch), on GPUs of
     * compute capability 9.0 and up.
     *
     * @param enable default true
     * @return this
     */
    public Builder enablePdl(boolean enable) {
      return set("TERNARY_ENABLE_PDL", flag(enable));
    }

    /**
     * Thread blocks of a GPU that share K of one output, where the kernel can split it; the bits
     * are the same.
     *
     * @param splits 0 to 64; 0 lets the library choose
     * @return this
     */
    public Builder i2sSplits(int splits) {
      return set("TERNARY_I2S_SPLITS", splits);
    }

    /**
     * Rows beyond which products run on the GPU's dense kernel; checked but not used on CPUs.
     *
     * @param m 0 to 2^31 - 1; 0 is off
     * @return this
     */
    public Builder prefillSkipM(int m) {
      return set("TERNARY_PREFILL_SKIP_M", m);
    }

    /**
     * Whether kernels made of CUTLASS may serve, which are for many rows on GPUs of compute
     * capability 10.0; checked but not used elsewhere. What they do not accept other kernels serve.
     * The bits of A8 products are the same.
     *
     * @param choice {@code 0}: their library is not loaded; {@code 1}: every layer gets the
     *     arrangement of its weights, 2 bits a weight more, and they serve what they accept; {@code
     *     auto}, the default: where the cost model expects less time, for layers whose {@code
     *     expectedRows} says that the arrangement pays
     * @return this
     * @since 0.2.0
     */
    public Builder cutlass(String choice) {
      return set("TERNARY_CUTLASS", choice);
    }

    /**
     * Uses values that {@code ternary tune} measured on this machine instead of the built-in ones:
     * which kernel serves which M, prefetch distances, threads, rates. A file that cannot serve
     * (another processor's, damaged) is logged once and named in {@link TernaryRuntime#infoJson()};
     * the runtime then uses the built-in values.
     *
     * @param file that {@code ternary tune} wrote; an empty path for none
     * @return this
     */
    public Builder tuning(Path file) {
      return set("TERNARY_TUNING", file);
    }

    /**
     * Bounds the memory that the products of this runtime use while they run on the CPU, all of
     * them together: about K bytes a row of X for {@link Activation#A8}, four times that for {@link
     * Activation#A16}. One that needs more is refused with a {@link TernaryException} before
     * anything is written; one that others leave too little waits for them, ten seconds at most.
     *
     * @param bytes 1 to 2^62; default: a quarter of the memory that the process may use
     * @return this
     * @since 0.2.0
     */
    public Builder maxScratch(long bytes) {
      return set("TERNARY_MAX_SCRATCH", bytes);
    }

    /**
     * Corrects the predictions of GPUs' kernels by what was measured, and so which kernel serves.
     * The bits of A8 products are the same. The format is in {@code native/doc/cost-model.md}; a
     * file that breaks it is an error.
     *
     * @param file measurements; an empty path for none
     * @return this
     * @since 0.2.0
     */
    public Builder costResiduals(Path file) {
      return set("TERNARY_COST_RESIDUALS", file);
    }

    /**
     * Compares the first call of each kind with the oracle. A kernel that is wrong is switched off,
     * counted as a fallback by the reason {@code validation}, and the next one computes the call.
     * What is compared is in {@code java/doc/checks.md}.
     *
     * @param validate default false
     * @return this
     * @since 0.2.0
     */
    public Builder validate(boolean validate) {
      return set("TERNARY_VALIDATE", flag(validate));
    }

    /**
     * Computes a sample of calls again and compares all of their results. It changes none of them:
     * differences are counted, and written to {@link #shadowFile}.
     *
     * @param by {@code oracle}; the name of an instruction set, {@link Isa#id()}; {@code cpu},
     *     {@code cuda} or {@code cuda:N}; or empty, the default: no call is
     * @return this
     * @since 0.2.0
     */
    public Builder shadow(String by) {
      return set("TERNARY_SHADOW", by);
    }

    /**
     * How many calls {@link #shadow} samples: of one thread the first, and every N-th from there.
     *
     * @param calls from one to the next, 1 to 2^62; default 100
     * @return this
     * @since 0.2.0
     */
    public Builder shadowEvery(long calls) {
      return set("TERNARY_SHADOW_EVERY", calls);
    }

    /**
     * Where {@link #shadow} adds a line of JSON for each call that differs. Runtimes and processes
     * may share a file.
     *
     * @param file made if there is none; <code>{pid}</code> is expanded; an empty path for none
     * @return this
     * @since 0.2.0
     */
    public Builder shadowFile(Path file) {
      return set("TERNARY_SHADOW_FILE", file);
    }

    /**
     * Bounds what {@link #shadow} writes. Differences beyond it are counted.
     *
     * @param lines 0 to 2^62; default 100
     * @return this
     * @since 0.2.0
     */
    public Builder shadowMaxDiffs(long lines) {
      return set("TERNARY_SHADOW_MAX_DIFFS", lines);
    }

    private static String flag(boolean value) {
      return value ? "1" : "0";
    }

    private Builder set(String name, Object value) {
      settings.put(name, value);
      return this;
    }

    /**
     * Builds the runtime.
     *
     * @return the runtime
     * @throws IllegalArgumentException if a setting cannot be honoured
     * @throws TernaryException if the GPU asked for cannot serve: the sentence says what is missing
     * @throws UnsatisfiedLinkError if the platform is not supported or the natives cannot be
     *     extracted
     */
    public TernaryRuntime build() {
      byte[] lines = NativeText.withFileNames(settings.lines());
      String hint = CudaLibraries.provideFor(settings.device());
      String shadowHint = CudaLibraries.provideFor(settings.shadowDevice());
      if (hint.isEmpty()) {
        hint = shadowHint;
      }
      return TernaryRuntime.of(NativeRuntime.create(lines, hint), hint);
    }
  }

  /**
   * How often each path (kernel) served a call.
   *
   * @return path to count, for example {@code linear.gemm_a8_i2s.cpu.avx2} to 3; a copy
   * @throws IllegalStateException if the runtime is closed
   */
  public Map<String, Long> pathCounts() {
    return CountersJson.parse(countersJson()).paths();
  }

  /**
   * How often a preferred kernel refused a problem, and why.
   *
   * @return {@code path:reason} to count, for example {@code linear.gemm_a8_i2s.cpu.amx:group_size}
   *     to 3; a copy
   * @throws IllegalStateException if the runtime is closed
   */
  public Map<String, Long> fallbackCounts() {
    return CountersJson.parse(countersJson()).fallbacks();
  }

  /**
   * How long the stages of layers of experts took on the CPU, by the first word of their paths.
   *
   * @return stage to nanoseconds, for example {@code moe_gate_up} to 81000; a copy; empty on a GPU,
   *     and where paths are not collected
   * @throws IllegalStateException if the runtime is closed
   * @since 0.2.0
   */
  public Map<String, Long> stageNanoseconds() {
    return CountersJson.parse(countersJson()).stageNanoseconds();
  }

  /**
   * What {@link Builder#validate} has found since the runtime was made.
   *
   * @return {@code checked}, calls that were compared, and {@code failed}, those that were wrong; a
   *     copy; empty where nothing is validated
   * @throws IllegalStateException if the runtime is closed
   * @since 0.2.0
   */
  public Map<String, Long> validationCounts() {
    return CountersJson.parse(countersJson()).validation();
  }

  /**
   * What {@link Builder#shadow} has found since the runtime was made.
   *
   * @return {@code sampled}, calls that were computed again; {@code different}, those of them that
   *     differ; {@code written}, lines; {@code failed}, calls that could not be computed again or
   *     written down; {@code unsampled}, calls on streams; a copy; empty where there is no shadow
   * @throws IllegalStateException if the runtime is closed
   * @since 0.2.0
   */
  public Map<String, Long> shadowCounts() {
    return CountersJson.parse(countersJson()).shadow();
  }

  /**
   * {@link #pathCounts()} since the runtime was made, whatever has been reset: a total that never
   * goes back, as monitoring wants it.
   *
   * @return path to count; a copy; of a closed runtime, what it had counted in the end
   * @since 0.2.0
   */
  public Map<String, Long> totalPathCounts() {
    return core.counters().pathTotals();
  }

  /**
   * {@link #fallbackCounts()} since the runtime was made, whatever has been reset.
   *
   * @return {@code path:reason} to count; a copy; of a closed runtime, what it had counted in the
   *     end
   * @since 0.2.0
   */
  public Map<String, Long> totalFallbackCounts() {
    return core.counters().fallbackTotals();
  }

  /**
   * All counters as JSON.
   *
   * @return an object with {@code pid}, {@code path_counts} and {@code fallback_counts}, {@code
   *     path_totals} and {@code fallback_totals}; {@code stage_nanoseconds}, see {@link
   *     #stageNanoseconds()}; {@code plans_made}, the plans that were made for products since the
   *     runtime was made; {@code validation} and {@code shadow}, see {@link #validationCounts()}
   *     and {@link #shadowCounts()}; {@code report_error}, the sentence about the first report of
   *     {@link Builder#pathReportEvery} that could not be written, if there was one; and {@code
   *     shadow_error}, the same of calls that could not be computed again
   * @throws IllegalStateException if the runtime is closed
   */
  public String countersJson() {
    acquire();
    try {
      return core.json();
    } finally {
      releaseReachable();
    }
  }

  /**
   * Sets the counters to zero; what was counted stays in the totals and in the process's report.
   *
   * @throws IllegalStateException if the runtime is closed
   */
  public void resetCounters() {
    acquire();
    try {
      Status.check(Ternary.ternary_runtime_reset_counters(address));
    } finally {
      releaseReachable();
    }
  }

  /**
   * Describes the runtime: version, CPU, instruction sets, settings with their origin, every kernel
   * and whether it can serve here.
   *
   * @return a JSON object
   * @throws IllegalStateException if the runtime is closed
   */
  public String infoJson() {
    acquire();
    try {
      return NativeText.read(Ternary::ternary_runtime_info, address);
    } finally {
      releaseReachable();
    }
  }

  /**
   * The plans that this runtime keeps for its products: kernel, threads and chunks, on a GPU splits
   * and programmatic launches. Two runtimes whose plans and path counts are the same do the same
   * for the same calls. Layers of experts keep none; what serves their stages is listed.
   *
   * @return a JSON object with {@code made}, the number of plans so far, and {@code kept}; {@code
   *     launches} and {@code pdl_launches}, kernels that were started on a GPU; {@code plans},
   *     sorted, and {@code experts}. {@code ternary_runtime_plans()} of ternary.h has every field,
   *     {@code java/doc/counters.md} what they are for
   * @throws IllegalStateException if the runtime is closed
   * @since 0.2.0
   */
  public String plansJson() {
    acquire();
    try {
      return NativeText.read(Ternary::ternary_runtime_plans, address);
    } finally {
      releaseReachable();
    }
  }

  /**
   * Tells the runtimes of the process apart, in meters and flight recorder events.
   *
   * @return "1" for the first, and so on; in the n-th class loader that has the library, "n.1" and
   *     so on
   * @since 0.2.0
   */
  public String id() {
    return core.id();
  }

  /**
   * Where this runtime computes.
   *
   * @return the device; of a closed runtime, the one it had
   */
  public Device device() {
    return device;
  }

  /**
   * Chooses the layout in which this runtime multiplies one row of X by an {@code [N, K]} matrix
   * the fastest: weights that stay in cache are kept in {@link Layout#I2S_TILED}; for weights that
   * stream from memory what the tuning says of this machine's bandwidth and of the kernels' rates
   * decides. Another layout may be used all the same: the bits are the same.
   *
   * @param activation how the layer uses activations; a block of it changes nothing
   * @param n output features
   * @param k input features
   * @param workingSet weights that are read from one use of this matrix to its next, its own
   *     included, for example those of all layers of a model; at least N * K. 0: N * K
   * @return I2S_TILED, T5_TILED or T3_TILED
   * @throws IllegalArgumentException if an argument breaks a rule
   * @throws IllegalStateException if the runtime is closed
   */
  public Layout chooseLayout(Activation activation, long n, long k, long workingSet) {
    Checks.notNull("activation", activation);
    acquire();
    try (Scratch layout = Scratch.ofBytes(Integer.BYTES)) {
      Status.check(
          Ternary.ternary_choose_layout(
              address, activation.code, n, k, workingSet, layout.address()));
      return Layout.ofCode(layout.readInt());
    } finally {
      releaseReachable();
    }
  }

  /**
   * Quantises activations per row by absmax: x is about {@code q * s}. A row with a non-finite
   * value gets {@code s} NaN and {@code q} 0.
   *
   * @param x {@code [M, K]} of type F32, F16, BF16 or F8_E4M3, contiguous
   * @param xScale {@code [M]} of type F32 for x of type F8_E4M3, or null
   * @param alphaColumn {@code [K]} of type F32, multiplies x first; or null
   * @param q receives {@code [M, K]} of type I8
   * @param s receives {@code [M]} of type F32
   * @param m rows, at least 1 and below 2^31
   * @param k columns, at least 1 and below 2^24
   * @throws IllegalArgumentException if an operand breaks a rule
   * @throws IllegalStateException if the runtime is closed
   */
  public void quantise(
      TernaryBuffer x,
      @Nullable TernaryBuffer xScale,
      @Nullable TernaryBuffer alphaColumn,
      TernaryBuffer q,
      TernaryBuffer s,
      long m,
      long k) {
    quantise(x, xScale, 0, null, alphaColumn, Activation.A8, q, s, m, k);
  }

  /**
   * Quantises activations by absmax as a layer does, per row or by block, and rotates them before:
   * x, rotated and times alpha, is about {@code q * s}. Int8 X of a layer is what this writes.
   *
   * <p>A row with a value that is not finite gets {@code s} NaN in all its blocks and {@code q} 0.
   * A block of zeros gets {@code s} 0.
   *
   * @param x {@code [M, K]} of type F32, F16, BF16 or F8_E4M3, contiguous
   * @param xScale {@code [M]} of type F32 for x of type F8_E4M3, or null
   * @param rotation columns that are rotated together, a power of two, 32 to 4096, of which K is a
   *     multiple; 0: x is not rotated
   * @param signs {@code [K]} of type F32, +1 or -1, that x is multiplied by before it is rotated;
   *     or null
   * @param alphaColumn {@code [K]} of type F32, multiplies x behind its rotation; or null
   * @param activation {@link Activation#A8}, or with a block
   * @param q receives {@code [M, K]} of type I8
   * @param s receives {@code [M]} of type F32, with a block {@code [M, ceil(K/block)]}
   * @param m rows, at least 1 and below 2^31
   * @param k columns, at least 1 and below 2^24
   * @throws IllegalArgumentException if an operand breaks a rule
   * @throws IllegalStateException if the runtime is closed
   * @since 0.2.0
   */
  public void quantise(
      TernaryBuffer x,
      @Nullable TernaryBuffer xScale,
      int rotation,
      @Nullable TernaryBuffer signs,
      @Nullable TernaryBuffer alphaColumn,
      Activation activation,
      TernaryBuffer q,
      TernaryBuffer s,
      long m,
      long k) {
    RowChecks.quantise(x, xScale, signs, alphaColumn, activation, q, s, m, k);
    acquire();
    try {
      rows.quantise(x, xScale, rotation, signs, alphaColumn, activation, q, s, m, k);
    } finally {
      releaseReachable();
    }
  }

  /**
   * Rotates activations: what a layer with a {@link Rotation} does to its X, or what undoes it.
   * Forward each run of columns is multiplied by signs and then by an orthonormal Hadamard matrix;
   * inverse by the matrix and then by signs.
   *
   * @param x {@code [M, K]} of type F32, F16, BF16 or F8_E4M3, contiguous
   * @param xScale {@code [M]} of type F32 for x of type F8_E4M3, or null
   * @param rotation columns that are rotated together, a power of two, 32 to 4096, of which K is a
   *     multiple
   * @param signs {@code [K]} of type F32, +1 or -1; or null
   * @param inverse false: as layers do; true: what undoes that
   * @param y receives {@code [M, K]} of type F32, F16 or BF16; may be the very memory of x if their
   *     types are the same, must not overlap anything else
   * @param m rows, at least 1 and below 2^31
   * @param k columns, at least 1 and below 2^24
   * @throws IllegalArgumentException if an operand breaks a rule
   * @throws IllegalStateException if the runtime is closed
   * @since 0.2.0
   */
  public void rotate(
      TernaryBuffer x,
      @Nullable TernaryBuffer xScale,
      int rotation,
      @Nullable TernaryBuffer signs,
      boolean inverse,
      TernaryBuffer y,
      long m,
      long k) {
    RowChecks.rotate(x, xScale, signs, y, m, k);
    acquire();
    try {
      rows.rotate(x, xScale, rotation, signs, inverse, y, m, k);
    } finally {
      releaseReachable();
    }
  }

  /**
   * Normalises the heads of Q and of K in place, each by itself: {@code RMSNorm(head) * weight}. A
   * head whose sum of squares is not finite becomes NaN, and no other.
   *
   * <p>Q and K may be columns of one matrix, for example those of a fused product: then their
   * strides are that matrix's, and each buffer begins at its first column.
   *
   * @param q the heads of Q, or null
   * @param k the heads of K, or null; they share no element with those of Q
   * @param headDim columns of a head, at least 1 and below 2^24
   * @param m rows, at least 1 and below 2^31
   * @throws IllegalArgumentException if an operand breaks a rule, or neither q nor k is given
   * @throws IllegalStateException if the runtime is closed
   * @since 0.2.0
   */
  public void qkNorm(@Nullable Heads q, @Nullable Heads k, long headDim, long m) {
    Heads.check(q, k, false, headDim, m);
    acquire();
    try {
      rows.qkNorm(q, k, headDim, m);
    } finally {
      releaseReachable();
    }
  }

  /**
   * Routing, and what is done with experts' outputs outside of a {@link MoeLayer}.
   *
   * @return the operations, which are this runtime's
   * @since 0.2.0
   */
  public Experts experts() {
    return experts;
  }

  /**
   * What the cost model that chooses a GPU's kernels expects of a product with alpha per row, F16
   * in and out, without norm.
   *
   * @param model "A100", "H100", "H200", "B200", "B300" or "RTX 5090", which need not be this
   *     machine's; null: this runtime's GPU
   * @param layout of the weights
   * @param activation how the layer uses activations; a block of it changes nothing
   * @param m rows
   * @param n output features
   * @param k input features
   * @return the expectation
   * @throws IllegalArgumentException if an argument breaks a rule
   * @throws IllegalStateException if the runtime is closed
   * @throws TernaryException if {@code model} is null and the runtime computes on the CPU, or if
   *     the machine code of no kernel that could serve has been counted
   */
  public Prediction predict(
      @Nullable String model, Layout layout, Activation activation, long m, long n, long k) {
    Checks.notNull("layout", layout);
    Checks.notNull("activation", activation);
    acquire();
    try (Scratch result = Scratch.ofBytes(Prediction.STRUCT_BYTES);
        Scratch name =
            model == null
                ? null
                : Scratch.copyOf((model + '\0').getBytes(StandardCharsets.UTF_8))) {
      Status.check(
          Ternary.ternary_predict(
              address,
              name == null ? 0 : name.address(),
              layout.code,
              activation.code,
              m,
              n,
              k,
              result.address()));
      return Prediction.of(result);
    } finally {
      releaseReachable();
    }
  }

  /**
   * Gives the quantisation of activations to a stream of this runtime's GPU: the same bits as
   * {@link #quantise(TernaryBuffer, TernaryBuffer, TernaryBuffer, TernaryBuffer, TernaryBuffer,
   * long, long)}. May be captured; needs no workspace.
   *
   * @param x as there
   * @param xScale as there
   * @param alphaColumn as there
   * @param q as there
   * @param s as there
   * @param m as there
   * @param k as there
   * @param stream of the same device
   * @throws IllegalArgumentException if an operand breaks a rule
   * @throws IllegalStateException if the runtime, a buffer or the stream is closed
   * @throws TernaryException if the runtime computes on the CPU, or the device reports a fault
   */
  public void quantise(
      DeviceBuffer x,
      @Nullable DeviceBuffer xScale,
      @Nullable DeviceBuffer alphaColumn,
      DeviceBuffer q,
      DeviceBuffer s,
      long m,
      long k,
      CudaStream stream) {
    quantise(x, xScale, 0, null, alphaColumn, Activation.A8, q, s, m, k, stream);
  }

  /**
   * Gives the quantisation of activations by block, or rotated, to a stream of this runtime's GPU:
   * the same bits as {@link #quantise(TernaryBuffer, TernaryBuffer, int, TernaryBuffer,
   * TernaryBuffer, Activation, TernaryBuffer, TernaryBuffer, long, long)}. May be captured; needs
   * no workspace.
   *
   * @param x as there
   * @param xScale as there
   * @param rotation as there
   * @param signs as there, but their values are the caller's word: the device does not check them
   * @param alphaColumn as there
   * @param activation as there
   * @param q as there
   * @param s as there
   * @param m as there
   * @param k as there
   * @param stream of the same device
   * @throws IllegalArgumentException if an operand breaks a rule
   * @throws IllegalStateException if the runtime, a buffer or the stream is closed
   * @throws TernaryException if the runtime computes on the CPU, or the device reports a fault
   * @since 0.2.0
   */
  public void quantise(
      DeviceBuffer x,
      @Nullable DeviceBuffer xScale,
      int rotation,
      @Nullable DeviceBuffer signs,
      @Nullable DeviceBuffer alphaColumn,
      Activation activation,
      DeviceBuffer q,
      DeviceBuffer s,
      long m,
      long k,
      CudaStream stream) {
    RowChecks.quantise(x, xScale, signs, alphaColumn, activation, q, s, m, k);
    acquire();
    try {
      rows.quantise(x, xScale, rotation, signs, alphaColumn, activation, q, s, m, k, stream);
    } finally {
      releaseReachable();
    }
  }

  /**
   * Gives a rotation to a stream of this runtime's GPU: the same bits as {@link
   * #rotate(TernaryBuffer, TernaryBuffer, int, TernaryBuffer, boolean, TernaryBuffer, long, long)}.
   * May be captured; needs no workspace.
   *
   * @param x as there
   * @param xScale as there
   * @param rotation as there
   * @param signs as there, but their values are the caller's word: the device does not check them
   * @param inverse as there
   * @param y as there
   * @param m as there
   * @param k as there
   * @param stream of the same device
   * @throws IllegalArgumentException if an operand breaks a rule
   * @throws IllegalStateException if the runtime, a buffer or the stream is closed
   * @throws TernaryException if the runtime computes on the CPU, or the device reports a fault
   * @since 0.2.0
   */
  public void rotate(
      DeviceBuffer x,
      @Nullable DeviceBuffer xScale,
      int rotation,
      @Nullable DeviceBuffer signs,
      boolean inverse,
      DeviceBuffer y,
      long m,
      long k,
      CudaStream stream) {
    RowChecks.rotate(x, xScale, signs, y, m, k);
    acquire();
    try {
      rows.rotate(x, xScale, rotation, signs, inverse, y, m, k, stream);
    } finally {
      releaseReachable();
    }
  }

  /**
   * Gives the norms of heads to a stream of this runtime's GPU: the same bits as {@link
   * #qkNorm(Heads, Heads, long, long)}. May be captured; needs no workspace.
   *
   * @param q as there, in the GPU's memory
   * @param k as there, in the GPU's memory
   * @param headDim as there
   * @param m as there
   * @param stream of the same device
   * @throws IllegalArgumentException if an operand breaks a rule, or neither q nor k is given
   * @throws IllegalStateException if the runtime, a buffer or the stream is closed
   * @throws TernaryException if the runtime computes on the CPU, or the device reports a fault
   * @since 0.2.0
   */
  public void qkNorm(
      @Nullable Heads q, @Nullable Heads k, long headDim, long m, CudaStream stream) {
    Heads.check(q, k, true, headDim, m);
    acquire();
    try {
      rows.qkNorm(q, k, headDim, m, stream);
    } finally {
      releaseReachable();
    }
  }

  /**
   * Measures a limit of the machine by a loop that nothing else holds up, on this runtime's threads
   * and within its {@link Builder#maxIsa}, so that it can take turns with products. The first
   * measurement of a kind, number of threads and size takes longer: it finds the fastest loop.
   * Nothing else may use the runtime meanwhile.
   *
   * @param limit to measure
   * @param threads 1 to the runtime's
   * @param bytes for {@link Limit#READ} the working set, shared out evenly and read over and over:
   *     a multiple of 4096 a thread, at most 2^40; 0 for others. It stays allocated until another
   *     size is measured or the runtime is closed
   * @param nanos how long, 1 to 10^10
   * @return what was measured
   * @throws IllegalArgumentException if an argument breaks a rule
   * @throws IllegalStateException if the runtime is closed, or if another call held its threads for
   *     a second
   * @throws TernaryException if no loop of the kind may run here, or memory cannot be had
   */
  public LimitMeasurement measureLimit(Limit limit, int threads, long bytes, long nanos) {
    Checks.notNull("limit", limit);
    acquire();
    try (Scratch result = Scratch.ofBytes(2 * Long.BYTES + 64)) {
      Status.check(
          Ternary.ternary_measure_limit(
              address, limit.code, threads, bytes, nanos, result.address()));
      ByteBuffer numbers = result.window(0, 2 * Long.BYTES);
      return new LimitMeasurement(
          NativeMemory.string(result.address() + 2 * Long.BYTES),
          numbers.getLong(0),
          numbers.getLong(Long.BYTES));
    } finally {
      releaseReachable();
    }
  }

  /**
   * Writes the process's report now: the counters of every runtime, also of closed ones.
   *
   * @param file to write; <code>{pid}</code> is expanded. A file that is replaced keeps its mode, a
   *     symbolic link stays and leads to the report
   * @throws IllegalArgumentException if it is null, a folder, or nothing that a file can be put at
   * @throws TernaryException if the system fails to write it, e.g. on a full disk; the old file is
   *     whole then
   */
  public static void writeReport(Path file) {
    byte[] path = NativeText.withFileNames(Checks.notNull("file", file).toString());
    try (Scratch text = Scratch.copyOf(path)) {
      Status.check(Ternary.ternary_write_report(text.address()));
    }
  }

  /**
   * The version of the native library.
   *
   * @return for example {@code "0.2.0"}
   */
  public static String version() {
    NativeLibraries.require();
    return NativeMemory.string(Ternary.ternary_version());
  }

  /**
   * Whether the native libraries can be used in this process. It tries to load them if they are not
   * loaded, so an answer of false may be true later, once its cause is gone.
   *
   * @return whether {@link #create()} would find them
   * @since 0.2.0
   */
  public static boolean isAvailable() {
    return unavailableReason().isEmpty();
  }

  /**
   * Why {@link #isAvailable()} is false, with the way out.
   *
   * @return the sentence of the error that a call would meet; empty if the libraries can be used
   * @since 0.2.0
   */
  public static String unavailableReason() {
    try {
      NativeLibraries.require();
      return "";
    } catch (UnsatisfiedLinkError e) {
      return String.valueOf(e.getMessage());
    }
  }

  /** Whether the runtime can still be used. */
  boolean isOpen() {
    return owned.handle().isOpen();
  }

  void checkOpen() {
    acquire();
    release();
  }

  void acquire() {
    owned.handle().acquire();
  }

  NativeHandle handle() {
    return owned.handle();
  }

  void release() {
    owned.handle().release();
  }

  long address() {
    return address;
  }

  /** Memory for calls with arrays. */
  Staging staging() {
    return staging;
  }

  /**
   * Tells of a call that has succeeded, which nothing here can change. The runtime must be
   * acquired.
   *
   * @param record what {@link FlightRecording#beginCall} gave before the call
   */
  void tell(
      @Nullable CallRecord record,
      String operation,
      long m,
      long n,
      long k,
      long bytesRead,
      long bytesWritten) {
    if (record != null) {
      FlightRecording.endCall(record, core, device, operation, m, n, k, bytesRead, bytesWritten);
    }
    noticeLog.poll();
  }

  private void releaseReachable() {
    release();
    Reference.reachabilityFence(this);
  }

  /** Ends the runtime's use. Closing again does nothing. */
  @Override
  public void close() {
    owned.close();
    staging.close();
  }
}
