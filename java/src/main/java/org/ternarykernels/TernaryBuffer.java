package org.ternarykernels;

import java.lang.ref.Reference;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.binding.Memory;

/**
 * A reusable view of native memory that holds elements of one type: the inputs and outputs of
 * products.
 *
 * <p>It copies nothing and keeps what it was made of reachable. Binding it anew with a {@code set}
 * method allocates nothing, so a decoding loop needs one view per operand. Elements are in the
 * machine's byte order; the memory must be aligned to the element size.
 *
 * <p>A {@code MemorySegment} (JDK 22 and newer) comes in by address, size and owner: {@code
 * TernaryBuffer.ofAddress(segment.address(), segment.byteSize(), DataType.F32, segment)}. The arena
 * must stay open while a call uses it.
 *
 * <p>Not thread-safe: one thread at a time may bind or use a view. Several views of one memory are
 * fine.
 */
public final class TernaryBuffer extends Operand {
  /** Element access beyond 2 GB goes through windows of this many bytes. */
  private static final int WINDOW = 1 << 30;

  private long address;
  private long bytes;

  @SuppressWarnings("NullAway.Init") // bind() follows every construction
  private DataType type;

  private @Nullable Object owner;

  /** The owner where it is a pointer, which knows when its memory is gone; else null. */
  private @Nullable Pointer pointer;

  private boolean readOnly;
  private @Nullable ByteBuffer window;
  private long windowStart;

  private TernaryBuffer() {}

  /**
   * A view of a direct buffer, from its position to its limit.
   *
   * @param buffer a direct {@code ByteBuffer} (of a mapped file, one that nobody truncates
   *     meanwhile), or a direct {@code FloatBuffer} (F32) or {@code ShortBuffer} (F16, BF16) in
   *     native order; a read-only one serves as input only
   * @param type the type of the elements
   * @return the view
   * @throws IllegalArgumentException if the buffer is null, on the heap, misaligned or does not fit
   *     the type
   */
  public static TernaryBuffer of(Buffer buffer, DataType type) {
    return new TernaryBuffer().set(buffer, type);
  }

  /**
   * A view of a JavaCPP pointer, from its position to its limit (or capacity), which may be more
   * than 2 GB.
   *
   * @param pointer a pointer that knows its size
   * @param type the type of the elements
   * @return the view
   * @throws IllegalArgumentException if the pointer is null, of unknown size or misaligned
   */
  public static TernaryBuffer of(Pointer pointer, DataType type) {
    return new TernaryBuffer().set(pointer, type);
  }

  /**
   * A view of any native memory.
   *
   * @param address of the first byte, not 0, aligned to the element size; the caller vouches for it
   * @param bytes that may be used from there
   * @param type the type of the elements
   * @param owner what keeps the memory alive; kept reachable, may be null where nothing needs to be
   * @return the view
   * @throws IllegalArgumentException if the address is 0 or misaligned, or the size negative or
   *     beyond the address space
   */
  public static TernaryBuffer ofAddress(
      long address, long bytes, DataType type, @Nullable Object owner) {
    return new TernaryBuffer().set(address, bytes, type, owner);
  }

  /**
   * A view of new zeroed memory, aligned to 64 bytes, which lives as long as some view of it.
   *
   * @param type the type of the elements
   * @param elements how many, at least 1; more than 2 GB are possible
   * @return the view
   * @throws IllegalArgumentException if there are fewer than 1 or their bytes are beyond 2^63
   * @throws TernaryException if there is no memory
   */
  public static TernaryBuffer allocate(DataType type, long elements) {
    Checks.notNull("type", type);
    long bytes =
        Checks.multiply(
            Checks.atLeast("elements", elements, 1), type.bytes(), "the bytes of the buffer");
    NativeMemory memory = NativeMemory.allocate(bytes);
    Object owner = new Object();
    NativeHandle.own(owner, "the buffer is", memory::free);
    return ofAddress(memory.address(), bytes, type, owner);
  }

  /**
   * New memory with values rounded once to the element type.
   *
   * @param type F32, F16 or BF16
   * @param values at least one
   * @return the view
   * @throws IllegalArgumentException if there is no value or the type cannot be stored
   */
  public static TernaryBuffer copyOf(DataType type, float... values) {
    TernaryBuffer buffer = allocate(type, Checks.notNull("values", values).length);
    buffer.put(0, values);
    return buffer;
  }

  /**
   * Binds this view anew, as {@link #of(Buffer, DataType)}.
   *
   * @param buffer as there
   * @param type as there
   * @return this
   * @throws IllegalArgumentException as there; this view is unchanged then
   */
  public TernaryBuffer set(Buffer buffer, DataType type) {
    Checks.notNull("buffer", buffer);
    Checks.notNull("type", type);
    if (!buffer.isDirect()) {
      throw new IllegalArgumentException(
          "the buffer is " + buffer.getClass().getSimpleName() + " on the heap, must be direct");
    }
    int width = elementWidth(buffer, type);
    // JavaCPP adds the position as if elements were bytes.
    long start = Memory.address(buffer) + (long) buffer.position() * width;
    return bind(start, (long) buffer.remaining() * width, type, buffer, buffer.isReadOnly());
  }

  /**
   * Binds this view anew, as {@link #of(Pointer, DataType)}.
   *
   * @param pointer as there
   * @param type as there
   * @return this
   * @throws IllegalArgumentException as there; this view is unchanged then
   */
  public TernaryBuffer set(Pointer pointer, DataType type) {
    Checks.notNull("pointer", pointer);
    Checks.notNull("type", type);
    long end = pointer.limit() > 0 ? pointer.limit() : pointer.capacity();
    if (end <= pointer.position()) {
      throw new IllegalArgumentException(
          "the pointer's limit is "
              + end
              + " at position "
              + pointer.position()
              + ", must be beyond it; use ofAddress for memory of a size that JavaCPP does not"
              + " know");
    }
    long size = pointer.sizeof();
    long start = pointer.address();
    return bind(
        start == 0 ? 0 : start + pointer.position() * size,
        Checks.multiply(end - pointer.position(), size, "the bytes of the pointer"),
        type,
        pointer,
        false);
  }

  /**
   * Binds this view anew, as {@link #ofAddress(long, long, DataType, Object)}.
   *
   * @param address as there
   * @param bytes as there
   * @param type as there
   * @param owner as there
   * @return this
   * @throws IllegalArgumentException as there; this view is unchanged then
   */
  public TernaryBuffer set(long address, long bytes, DataType type, @Nullable Object owner) {
    return bind(address, bytes, Checks.notNull("type", type), owner, false);
  }

  private TernaryBuffer bind(
      long address, long bytes, DataType type, @Nullable Object owner, boolean readOnly) {
    if (address == 0) {
      throw new IllegalArgumentException("the address is 0 (null), must be that of memory");
    }
    if (bytes < 0 || Long.compareUnsigned(address + bytes, address) < 0) {
      throw new IllegalArgumentException(
          "the size is "
              + bytes
              + " bytes at address 0x"
              + Long.toHexString(address)
              + ", must be at least 0 and end within the address space");
    }
    if (address % type.bytes() != 0) {
      throw new IllegalArgumentException(
          "the address 0x"
              + Long.toHexString(address)
              + " is misaligned for "
              + type
              + ", must be a multiple of "
              + type.bytes());
    }
    this.address = address;
    this.bytes = bytes;
    this.type = type;
    this.owner = owner;
    this.readOnly = readOnly;
    this.pointer = owner instanceof Pointer view ? view : null;
    this.window = null;
    return this;
  }

  private static int elementWidth(Buffer buffer, DataType type) {
    if (buffer instanceof ByteBuffer) {
      return 1;
    }
    ByteOrder order;
    boolean fits;
    if (buffer instanceof FloatBuffer floats) {
      order = floats.order();
      fits = type == DataType.F32;
    } else if (buffer instanceof ShortBuffer shorts) {
      order = shorts.order();
      fits = type == DataType.F16 || type == DataType.BF16;
    } else {
      throw wrongBuffer(buffer, type);
    }
    if (!fits) {
      throw wrongBuffer(buffer, type);
    }
    if (order != ByteOrder.nativeOrder()) {
      throw new IllegalArgumentException(
          "the buffer's byte order is "
              + order
              + ", must be the machine's, "
              + ByteOrder.nativeOrder());
    }
    return type.bytes();
  }

  private static IllegalArgumentException wrongBuffer(Buffer buffer, DataType type) {
    return new IllegalArgumentException(
        "the buffer is a "
            + buffer.getClass().getSimpleName()
            + " for elements of type "
            + type
            + ", must be a ByteBuffer, a FloatBuffer for F32 or a ShortBuffer for F16 and BF16");
  }

  /**
   * A view of a part of this one's memory.
   *
   * @param from first element
   * @param elements how many, at least 1
   * @return a new view that keeps the same owner reachable
   * @throws IllegalArgumentException if the part is not within this view
   */
  public TernaryBuffer slice(long from, long elements) {
    checkRange(from, Checks.atLeast("elements", elements, 1));
    return new TernaryBuffer()
        .bind(address + from * type.bytes(), elements * type.bytes(), type, owner, readOnly);
  }

  @Override
  public long address() {
    return address;
  }

  @Override
  public long byteSize() {
    return bytes;
  }

  @Override
  public DataType dataType() {
    return type;
  }

  /**
   * Whether this view serves as input only.
   *
   * @return true for a view of a read-only buffer
   */
  public boolean isReadOnly() {
    return readOnly;
  }

  /**
   * Reads an element, exactly.
   *
   * @param index of the element
   * @return its value
   * @throws IllegalArgumentException if there is no such element
   */
  public float get(long index) {
    checkRange(index, 1);
    ByteBuffer window = window(index);
    int at = offset(index);
    try {
      return switch (type) {
        case F32 -> window.getFloat(at);
        case F16 -> NarrowFloats.fromF16(window.getShort(at));
        case BF16 -> NarrowFloats.fromBf16(window.getShort(at));
        case F8_E4M3 -> NarrowFloats.fromF8E4M3(window.get(at));
        case I8 -> window.get(at);
      };
    } finally {
      Reference.reachabilityFence(owner);
    }
  }

  /**
   * Writes an element, rounded once to nearest even.
   *
   * @param index of the element
   * @param value for F32, F16 and BF16 any, for I8 a whole number from -128 to 127
   * @throws IllegalArgumentException if there is no such element, the view is read-only or the
   *     value cannot be stored
   */
  public void put(long index, float value) {
    checkRange(index, 1);
    checkWritable("the buffer");
    ByteBuffer window = window(index);
    int at = offset(index);
    try {
      switch (type) {
        case F32 -> window.putFloat(at, value);
        case F16 -> window.putShort(at, NarrowFloats.toF16(value));
        case BF16 -> window.putShort(at, NarrowFloats.toBf16(value));
        case I8 -> {
          if (value != (byte) value) {
            throw new IllegalArgumentException(
                "the value is " + value + ", must be a whole number from -128 to 127");
          }
          window.put(at, (byte) value);
        }
        case F8_E4M3 ->
            throw new IllegalArgumentException(
                "the type is F8_E4M3, must be F32, F16, BF16 or I8 to store"
                    + " a float; write the bytes through asByteBuffer()");
      }
    } finally {
      Reference.reachabilityFence(owner);
    }
  }

  /**
   * Writes consecutive elements, each as {@link #put(long, float)}.
   *
   * @param from first element
   * @param values to write
   * @throws IllegalArgumentException as there
   */
  public void put(long from, float[] values) {
    checkRange(from, Checks.notNull("values", values).length);
    checkWritable("the buffer");
    if (type == DataType.F32 && bytes <= WINDOW && values.length > 0) {
      window(0)
          .slice(offset(from), values.length * Float.BYTES)
          .order(ByteOrder.nativeOrder())
          .asFloatBuffer()
          .put(values);
      Reference.reachabilityFence(owner);
      return;
    }
    for (int i = 0; i < values.length; i++) {
      put(from + i, values[i]);
    }
  }

  /**
   * Reads consecutive elements, exactly.
   *
   * @param from first element
   * @param values receives them
   * @throws IllegalArgumentException if there are no such elements
   */
  public void get(long from, float[] values) {
    checkRange(from, Checks.notNull("values", values).length);
    if (type == DataType.F32 && bytes <= WINDOW && values.length > 0) {
      window(0)
          .slice(offset(from), values.length * Float.BYTES)
          .order(ByteOrder.nativeOrder())
          .asFloatBuffer()
          .get(values);
      Reference.reachabilityFence(owner);
      return;
    }
    for (int i = 0; i < values.length; i++) {
      values[i] = get(from + i);
    }
  }

  /**
   * All elements as floats.
   *
   * @return a new array
   * @throws IllegalArgumentException if there are 2^31 or more
   */
  public float[] toArray() {
    float[] values = new float[(int) Checks.size("elements", elements(), Checks.MAX_ROWS)];
    get(0, values);
    return values;
  }

  /**
   * The bytes as a direct buffer in native order that shares this memory. It does not keep the
   * memory alive: hold on to this view.
   *
   * @return a buffer, read-only if this view is
   * @throws IllegalArgumentException if there are 2^31 or more bytes
   */
  public ByteBuffer asByteBuffer() {
    checkAlive("the buffer");
    if (bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "the size is " + bytes + " bytes, must be below 2^31 for a ByteBuffer");
    }
    ByteBuffer view = NativeMemory.view(address, (int) bytes);
    return readOnly ? view.asReadOnlyBuffer().order(ByteOrder.nativeOrder()) : view;
  }

  /** What keeps the memory alive; may be null. */
  @Nullable Object owner() {
    return owner;
  }

  /**
   * A pointer that was deallocated after it was bound is noticed here; nothing else that was freed
   * can be.
   */
  @Override
  void checkAlive(String name) {
    if (pointer != null && pointer.isNull()) {
      throw new IllegalStateException(
          name + " is a view of a JavaCPP pointer that is closed, must be open");
    }
  }

  @Override
  void checkWritable(String name) {
    if (readOnly) {
      throw new IllegalArgumentException(
          name + " is a view of a read-only buffer, must be writable");
    }
  }

  /** The window an element lies in; made anew only when the element leaves the last one. */
  private ByteBuffer window(long index) {
    long start = index * type.bytes() / WINDOW * WINDOW;
    if (window == null || windowStart != start) {
      window = NativeMemory.view(address + start, (int) Math.min(WINDOW, bytes - start));
      windowStart = start;
    }
    return window;
  }

  private int offset(long index) {
    return (int) (index * type.bytes() % WINDOW);
  }

  @Override
  public String toString() {
    return "TernaryBuffer["
        + elements()
        + " x "
        + type
        + " at 0x"
        + Long.toHexString(address)
        + "]";
  }
}
