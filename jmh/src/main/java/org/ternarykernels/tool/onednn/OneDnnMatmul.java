package org.ternarykernels.tool.onednn;

import static org.bytedeco.dnnl.global.dnnl.*;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_exec_arg_t;
import org.bytedeco.dnnl.dnnl_memory;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.javacpp.BytePointer;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;

/**
 * {@code Y = X * W^T} with dense weights by oneDNN, the baseline: weights rearranged once into the
 * layout that it prefers, which is how a framework would use it, and as many copies of them as keep
 * them out of caches if wanted.
 */
final class OneDnnMatmul implements AutoCloseable {
  /** Types of X, W and Y. */
  enum Types {
    F32(dnnl_f32, dnnl_f32, dnnl_f32),
    BF16(dnnl_bf16, dnnl_bf16, dnnl_bf16),
    S8_S32(dnnl_s8, dnnl_s8, dnnl_s32),
    S8_F32(dnnl_s8, dnnl_s8, dnnl_f32),
    U8_S32(dnnl_u8, dnnl_s8, dnnl_s32),
    U8_F32(dnnl_u8, dnnl_s8, dnnl_f32);

    private final int x;
    private final int w;
    private final int y;

    Types(int x, int w, int y) {
      this.x = x;
      this.w = w;
      this.y = y;
    }

    boolean isInt8() {
      return w == dnnl_s8;
    }

    /** As in results: "bf16", "u8*s8 to s32". */
    String text() {
      return isInt8()
          ? name().toLowerCase(Locale.ROOT).replaceFirst("_", "*s8 to ")
          : name().toLowerCase(Locale.ROOT);
    }
  }

  /** oneDNN cannot do this here; the message says why in a few words. */
  static final class Unavailable extends Exception {
    private static final long serialVersionUID = 1;

    Unavailable(String why) {
      super(why);
    }
  }

  private final Deque<Runnable> releases = new ArrayDeque<>();

  /** Keeps the matrices reachable: oneDNN only has their addresses. */
  private final List<TernaryBuffer> owners = new ArrayList<>();

  private final dnnl_engine engine = new dnnl_engine();
  private final dnnl_stream stream = new dnnl_stream();
  private final dnnl_primitive matmul = new dnnl_primitive();

  /** The arguments of a call for each copy of the weights. */
  private final List<dnnl_exec_arg_t> arguments = new ArrayList<>();

  private int next;

  /**
   * @param x {@code [m, k]}
   * @param w {@code [n, k]}
   * @param y {@code [m, n]}, written by {@link #run}
   * @param weightBytes copies of the rearranged weights have at least so many bytes together; 0 for
   *     one copy
   * @throws Unavailable if oneDNN has no kernel for the types on this machine
   */
  OneDnnMatmul(
      Types types,
      int m,
      int n,
      int k,
      TernaryBuffer x,
      TernaryBuffer w,
      TernaryBuffer y,
      long weightBytes)
      throws Unavailable {
    try {
      check("engine", dnnl_engine_create(engine, dnnl_cpu, 0));
      releases.push(() -> dnnl_engine_destroy(engine));
      check("stream", dnnl_stream_create(stream, engine, dnnl_stream_default_flags));
      releases.push(() -> dnnl_stream_destroy(stream));
      dnnl_memory_desc xDesc = strided(types.x, m, k, k, 1);
      dnnl_memory_desc wDesc = strided(types.w, k, n, 1, k);
      dnnl_memory_desc yDesc = strided(types.y, m, n, n, 1);
      dnnl_memory_desc any = new dnnl_memory_desc();
      check(
          "weights",
          dnnl_memory_desc_create_with_tag(
              any, 2, new long[] {k, n}, types.w, dnnl_format_tag_any));
      releases.push(() -> dnnl_memory_desc_destroy(any));
      dnnl_primitive_desc description = new dnnl_primitive_desc();
      check(
          types.text() + " matmul",
          dnnl_matmul_primitive_desc_create(
              description, engine, xDesc, any, null, yDesc, (dnnl_primitive_attr) null));
      releases.push(() -> dnnl_primitive_desc_destroy(description));
      check("matmul", dnnl_primitive_create(matmul, description));
      releases.push(() -> dnnl_primitive_destroy(matmul));
      dnnl_memory_desc packedDesc =
          dnnl_primitive_desc_query_md(description, dnnl_query_weights_md, 0);
      long bytes = dnnl_memory_desc_get_size(packedDesc);
      dnnl_memory xMemory = memory(xDesc, x);
      dnnl_memory yMemory = memory(yDesc, y);
      TernaryBuffer first = TernaryBuffer.allocate(DataType.I8, bytes);
      reorder(memory(wDesc, w), wDesc, memory(packedDesc, first), packedDesc);
      for (long copied = 0; copied == 0 || copied < weightBytes; copied += bytes) {
        TernaryBuffer copy = copied == 0 ? first : TernaryBuffer.allocate(DataType.I8, bytes);
        if (copied > 0) {
          copy.asByteBuffer().put(first.asByteBuffer());
        }
        dnnl_exec_arg_t call = new dnnl_exec_arg_t(3);
        argument(call, 0, DNNL_ARG_SRC, xMemory);
        argument(call, 1, DNNL_ARG_WEIGHTS, memory(packedDesc, copy));
        argument(call, 2, DNNL_ARG_DST, yMemory);
        arguments.add(call);
      }
    } catch (Unavailable e) {
      close();
      throw e;
    }
  }

  /** Multiplies with the next copy of the weights; waits for the result. */
  void run() {
    dnnl_exec_arg_t call = arguments.get(next);
    next = next + 1 == arguments.size() ? 0 : next + 1;
    if (dnnl_primitive_execute(matmul, stream, 3, call) != dnnl_success
        || dnnl_stream_wait(stream) != dnnl_success) {
      throw new IllegalStateException("oneDNN's matmul failed");
    }
  }

  @Override
  public void close() {
    while (!releases.isEmpty()) {
      releases.pop().run();
    }
  }

  private dnnl_memory_desc strided(
      int type, long rows, long columns, long rowStride, long columnStride) throws Unavailable {
    dnnl_memory_desc desc = new dnnl_memory_desc();
    check(
        "matrix",
        dnnl_memory_desc_create_with_strides(
            desc, 2, new long[] {rows, columns}, type, new long[] {rowStride, columnStride}));
    releases.push(() -> dnnl_memory_desc_destroy(desc));
    return desc;
  }

  private dnnl_memory memory(dnnl_memory_desc desc, TernaryBuffer data) throws Unavailable {
    dnnl_memory memory = new dnnl_memory();
    check("memory", dnnl_memory_create(memory, desc, engine, new BytePointer(data.asByteBuffer())));
    owners.add(data);
    releases.push(() -> dnnl_memory_destroy(memory));
    return memory;
  }

  private void reorder(
      dnnl_memory from, dnnl_memory_desc fromDesc, dnnl_memory to, dnnl_memory_desc toDesc)
      throws Unavailable {
    dnnl_primitive_desc description = new dnnl_primitive_desc();
    check(
        "reorder",
        dnnl_reorder_primitive_desc_create(
            description, fromDesc, engine, toDesc, engine, (dnnl_primitive_attr) null));
    releases.push(() -> dnnl_primitive_desc_destroy(description));
    dnnl_primitive reorder = new dnnl_primitive();
    check("reorder", dnnl_primitive_create(reorder, description));
    releases.push(() -> dnnl_primitive_destroy(reorder));
    dnnl_exec_arg_t both = new dnnl_exec_arg_t(2);
    argument(both, 0, DNNL_ARG_FROM, from);
    argument(both, 1, DNNL_ARG_TO, to);
    check("reorder", dnnl_primitive_execute(reorder, stream, 2, both));
    check("reorder", dnnl_stream_wait(stream));
  }

  private static void argument(dnnl_exec_arg_t arguments, int index, int name, dnnl_memory memory) {
    arguments.getPointer(index).arg(name).memory(memory);
  }

  private static void check(String what, int status) throws Unavailable {
    if (status == dnnl_unimplemented) {
      throw new Unavailable("oneDNN has no " + what + " for this CPU");
    }
    if (status != dnnl_success) {
      throw new Unavailable("oneDNN's " + what + " failed with status " + status);
    }
  }
}
