package org.ternarykernels;

import java.lang.ref.Reference;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.function.LongFunction;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.ternarykernels.binding.Memory;
import org.ternarykernels.binding.Segments;
import org.ternarykernels.internal.Allocation;
import org.ternarykernels.internal.Checks;
import org.ternarykernels.internal.Elements;
import org.ternarykernels.internal.MemoryOwner;
import org.ternarykernels.internal.NativeMemory;
import org.ternarykernels.internal.NioBuffers;
import org.ternarykernels.internal.Scratch;
import org.ternarykernels.internal.SegmentMemory;
import org.ternarykernels.internal.StackReserve;

/**
 * A reusable view of native memory that holds elements of one type: the inputs and outputs of
 * products.
 *
 * <p>It copies nothing and keeps what it was made of reachable. Binding it anew with a {@code set}
 * method allocates nothing unless the memory is a segment's, so a decoding loop needs one view per
 * operand. Elements are in the machine's byte order; the memory must be aligned to the element
 * size.
 *
 * <p>{@link #close()} detaches a view. Only the buffer that {@link #allocate} or {@link #copyOf}
 * made frees memory with it: at once, or when the last call that uses it ends. What was forgotten
 * is freed when it is collected. All that is allocated here counts towards {@code
 * ternary.max.memory} (bytes, default {@code Runtime.maxMemory()}).
 *
 * <p>Not thread-safe: one thread at a time may bind or use a view. Several views of one memory are
 * fine, and another thread may close the memory: a call that runs ends first.
 */
public final class TernaryBuffer extends Operand implements AutoCloseable {
  /** Element access beyond 2 GB goes through windows of this many bytes. */
  private static final int WINDOW = 1 << 30;

  private long address;
  private long bytes;

  @SuppressWarnings("NullAway.Init") // bind() follows every construction
  private DataType type;

  /** As {@link MemoryOwner#of} gave it. */
  private @Nullable Object owner;

  /** Whether closing this view frees the memory. */
  private boolean owning;

  private boolean closed;
  private boolean readOnly;
  private @Nullable ByteBuffer window;
  private long windowStart;

  private TernaryBuffer() {}

  /**
   * A view of a direct buffer, from its position to its limit.
   *
   * @param buffer a direct {@code ByteBuffer} (of a mapped file, one that nobody truncates
   *     meanwhile), or a direct {@code FloatBuffer} (F32), {@code ShortBuffer} (F16, BF16) or
   *     {@code IntBuffer} (I32); in native order unless an element is one byte; a read-only one
   *     serves as input only
   * @param type the type of the elements
   * @return the view
   * @throws IllegalArgumentException if the buffer is null, on the heap, misaligned, in another
   *     byte order or does not fit the type
   * @throws IllegalStateException if the buffer is of an arena that is closed
   */
  public static TernaryBuffer of(Buffer buffer, DataType type) {
    return new TernaryBuffer().set(buffer, type);
  }

  /**
   * A view of a direct buffer whose elements are in a given byte order, whatever the buffer's own
   * says: {@code slice()} and {@code duplicate()} forget it. Otherwise as {@link #of(Buffer,
   * DataType)}.
   *
   * @param buffer as there
   * @param type as there
   * @param order of the elements in memory, the machine's
   * @return the view
   * @throws IllegalArgumentException as there, or if the order is not the machine's
   * @throws IllegalStateException as there
   * @since 0.2.0
   */
  public static TernaryBuffer of(ByteBuffer buffer, DataType type, ByteOrder order) {
    return new TernaryBuffer().set(buffer, type, order);
  }

  /**
   * A view of a {@code java.lang.foreign.MemorySegment} of JDK 22 and newer.
   *
   * <p>A segment of a confined arena serves its owner's thread only. One of a shared arena is held
   * by each call that uses it: {@code Arena.close()} throws meanwhile. After a close every use
   * throws {@code IllegalStateException}.
   *
   * @param segment native, aligned to the element size; a read-only one serves as input only
   * @param type the type of the elements
   * @return the view
   * @throws IllegalArgumentException if it is null, no segment, on the heap or misaligned
   * @throws IllegalStateException if its arena is closed or another thread's
   * @since 0.2.0
   */
  public static TernaryBuffer ofSegment(Object segment, DataType type) {
    return new TernaryBuffer().setSegment(segment, type);
  }

  /**
   * A view of a JavaCPP pointer, from its position to its limit (or capacity), which may be more
   * than 2 GB.
   *
   * <p>A {@code close()} of the pointer in another thread waits for the calls that use it; a {@code
   * deallocate()} does not and is the caller's mistake.
   *
   * @param pointer a pointer that knows its size
   * @param type the type of the elements
   * @return the view
   * @throws IllegalArgumentException if the pointer is null, of unknown size or misaligned, or its
   *     position or limit is outside of its capacity
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
   * @param owner what keeps the memory alive, kept reachable; another view, a pointer or a memory
   *     segment is also noticed when it is closed; null where nothing needs to be kept
   * @return the view
   * @throws IllegalArgumentException if the address is 0 or misaligned, or the size negative or
   *     beyond the address space
   */
  public static TernaryBuffer ofAddress(
      long address, long bytes, DataType type, @Nullable Object owner) {
    return new TernaryBuffer().set(address, bytes, type, owner);
  }

  /**
   * A view of new zeroed memory, aligned to 64 bytes, which lives until this view is closed or
   * nobody reaches it, its slices or its byte buffers.
   *
   * @param type the type of the elements
   * @param elements how many, at least 1; more than 2 GB are possible
   * @return the view
   * @throws IllegalArgumentException if there are fewer than 1 or their bytes are beyond 2^63
   * @throws TernaryException if there is no memory, or more than {@code ternary.max.memory} would
   *     be held even after a collection and a wait of about a second
   */
  public static TernaryBuffer allocate(DataType type, long elements) {
    Checks.notNull("type", type);
    long bytes =
        Checks.multiply(
            Checks.atLeast("elements", elements, 1), type.bytes(), "the bytes of the buffer");
    Allocation allocation = Allocation.of(bytes);
    TernaryBuffer buffer = new TernaryBuffer();
    buffer.bind(allocation.address(), bytes, type, allocation, false);
    buffer.owning = true;
    return buffer;
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
    try {
      buffer.put(0, values);
      return buffer;
    } catch (Throwable e) { // a value that the type cannot hold
      buffer.close();
      throw e;
    }
  }

  /**
   * New memory with whole numbers, of type I32: ids of experts.
   *
   * @param values at least one
   * @return the view
   * @throws IllegalArgumentException if there is no value
   * @since 0.2.0
   */
  public static TernaryBuffer copyOf(int... values) {
    TernaryBuffer buffer = allocate(DataType.I32, Checks.notNull("values", values).length);
    buffer.putInts(0, values);
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
    return set(buffer, type, NioBuffers.order(Checks.notNull("buffer", buffer)));
  }

  /**
   * Binds this view anew, as {@link #of(ByteBuffer, DataType, ByteOrder)}.
   *
   * @param buffer as there
   * @param type as there
   * @param order as there
   * @return this
   * @throws IllegalArgumentException as there; this view is unchanged then
   * @since 0.2.0
   */
  public TernaryBuffer set(ByteBuffer buffer, DataType type, ByteOrder order) {
    return set((Buffer) buffer, type, Checks.notNull("order", order));
  }

  private TernaryBuffer set(Buffer buffer, DataType type, ByteOrder order) {
    Checks.notNull("buffer", buffer);
    Checks.notNull("type", type);
    NioBuffers.check(buffer, type, order);
    int width = NioBuffers.elementBytes(buffer);
    // JNI gives where the buffer begins, whatever its position.
    long start = Memory.address(buffer) + (long) buffer.position() * width;
    @Nullable Object segment = Segments.exist() ? Memory.segment(buffer) : null;
    return bind(
        start,
        (long) buffer.remaining() * width,
        type,
        segment == null ? buffer : segment,
        buffer.isReadOnly());
  }

  /**
   * Binds this view anew, as {@link #ofSegment(Object, DataType)}.
   *
   * @param segment as there
   * @param type as there
   * @return this
   * @throws IllegalArgumentException as there; this view is unchanged then
   * @throws IllegalStateException as there
   * @since 0.2.0
   */
  public TernaryBuffer setSegment(Object segment, DataType type) {
    Checks.notNull("segment", segment);
    Checks.notNull("type", type);
    if (!Segments.isSegment(segment)) {
      throw new IllegalArgumentException(
          "the segment is a "
              + segment.getClass().getName()
              + ", must be a java.lang.foreign.MemorySegment of JDK 22 or newer");
    }
    if (!Segments.isNative(segment)) {
      throw SegmentMemory.onHeap();
    }
    return bind(
        Segments.address(segment),
        Segments.byteSize(segment),
        type,
        segment,
        Segments.isReadOnly(segment));
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
    long capacity = pointer.capacity(); // 0 where JavaCPP does not know it
    long position = pointer.position();
    long end = pointer.limit() > 0 ? pointer.limit() : capacity;
    if (end <= position) {
      throw new IllegalArgumentException(
          "the pointer's limit is "
              + end
              + " at position "
              + position
              + ", must be beyond it; use ofAddress for memory of a size that JavaCPP does not"
              + " know");
    }
    if (position < 0 || capacity > 0 && end > capacity) {
      throw new IllegalArgumentException(
          "the pointer's position is "
              + position
              + " and its limit "
              + end
              + ", must be within 0 to its capacity "
              + capacity);
    }
    long size = pointer.sizeof();
    long start = pointer.address();
    return bind(
        start == 0 ? 0 : start + position * size,
        Checks.multiply(end - position, size, "the bytes of the pointer"),
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
    Checks.memory(address, bytes, type);
    Object memory = owner instanceof TernaryBuffer other ? other.owner : owner;
    this.owner = MemoryOwner.of(memory, address, bytes); // the last that can fail
    this.address = address;
    this.bytes = bytes;
    this.type = type;
    this.readOnly = readOnly;
    this.owning = false;
    this.closed = false;
    this.window = null;
    return this;
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
    long start = address + from * type.bytes();
    long size = elements * type.bytes();
    Object part = owner instanceof SegmentMemory memory ? memory.part(start, size) : owner;
    return new TernaryBuffer().bind(start, size, type, part, readOnly);
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
   * @return its value; of type I32 beyond 2^24 rounded to nearest even
   * @throws IllegalArgumentException if there is no such element
   */
  public float get(long index) {
    checkRange(index, 1);
    acquire();
    try {
      return Elements.read(window(index), offset(index), type);
    } finally {
      release();
    }
  }

  /**
   * Writes an element, rounded once to nearest even.
   *
   * @param index of the element
   * @param value for F32, F16 and BF16 any, for I8 a whole number from -128 to 127, for I32 one of
   *     32 bits
   * @throws IllegalArgumentException if there is no such element, the view is read-only or the
   *     value cannot be stored
   */
  public void put(long index, float value) {
    checkRange(index, 1);
    checkWritable("the buffer");
    Elements.checkStorable(type, value);
    acquire();
    try {
      Elements.write(window(index), offset(index), type, value);
    } finally {
      release();
    }
  }

  /**
   * Writes consecutive elements, each as {@link #put(long, float)}; all or none.
   *
   * @param from first element
   * @param values to write
   * @throws IllegalArgumentException as there
   */
  public void put(long from, float[] values) {
    checkRange(from, Checks.notNull("values", values).length);
    checkWritable("the buffer");
    if (type.bytes() == 1 || type == DataType.I32) {
      for (float value : values) {
        Elements.checkStorable(type, value);
      }
    }
    acquire();
    try {
      if (type == DataType.F32 && bytes <= WINDOW && values.length > 0) {
        floats(from, values.length).put(values);
        return;
      }
      for (int i = 0; i < values.length; i++) {
        Elements.write(window(from + i), offset(from + i), type, values[i]);
      }
    } finally {
      release();
    }
  }

  /**
   * Writes consecutive whole numbers.
   *
   * @param from first element
   * @param values to write
   * @throws IllegalArgumentException if there are no such elements, the view is read-only or its
   *     type is not I32
   * @since 0.2.0
   */
  public void putInts(long from, int[] values) {
    Operands.typed("the buffer", this, DataType.I32);
    checkRange(from, Checks.notNull("values", values).length);
    checkWritable("the buffer");
    acquire();
    try {
      for (int i = 0; i < values.length; i++) {
        window(from + i).putInt(offset(from + i), values[i]);
      }
    } finally {
      release();
    }
  }

  /**
   * Reads consecutive whole numbers.
   *
   * @param from first element
   * @param values receives them
   * @throws IllegalArgumentException if there are no such elements or the type is not I32
   * @since 0.2.0
   */
  public void getInts(long from, int[] values) {
    Operands.typed("the buffer", this, DataType.I32);
    checkRange(from, Checks.notNull("values", values).length);
    acquire();
    try {
      for (int i = 0; i < values.length; i++) {
        values[i] = window(from + i).getInt(offset(from + i));
      }
    } finally {
      release();
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
    acquire();
    try {
      if (type == DataType.F32 && bytes <= WINDOW && values.length > 0) {
        floats(from, values.length).get(values);
        return;
      }
      for (int i = 0; i < values.length; i++) {
        values[i] = Elements.read(window(from + i), offset(from + i), type);
      }
    } finally {
      release();
    }
  }

  /** All of the memory is one window. */
  private FloatBuffer floats(long from, int count) {
    return window(0)
        .slice(offset(from), count * Float.BYTES)
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
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
   * All elements as whole numbers.
   *
   * @return a new array
   * @throws IllegalArgumentException if there are 2^31 or more or their type is not I32
   * @since 0.2.0
   */
  public int[] toInts() {
    Operands.typed("the buffer", this, DataType.I32);
    int[] values = new int[(int) Checks.size("elements", elements(), Checks.MAX_ROWS)];
    getInts(0, values);
    return values;
  }

  /**
   * The bytes as a direct buffer in native order that shares this memory and keeps it: memory that
   * is closed meanwhile is freed when the buffer, and what was derived of it, is collected.
   *
   * @return a buffer, read-only if this view is
   * @throws IllegalArgumentException if there are 2^31 or more bytes
   * @throws IllegalStateException if the memory is closed
   */
  public ByteBuffer asByteBuffer() {
    checkAlive("the buffer");
    if (bytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "the size is " + bytes + " bytes, must be below 2^31 for a ByteBuffer");
    }
    ByteBuffer view;
    if (owner instanceof SegmentMemory memory) {
      view = memory.window(0, bytes);
    } else {
      view = NativeMemory.view(address, (int) bytes);
      MemoryOwner.keepWith(view, owner);
    }
    return readOnly ? view.asReadOnlyBuffer().order(ByteOrder.nativeOrder()) : view;
  }

  /**
   * Detaches this view: it must be bound anew before it is used again. The memory is freed if this
   * view allocated it, at once or when the last call that uses it has ended; its slices cannot be
   * used any more then. Closing again does nothing.
   *
   * @since 0.2.0
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    window = null;
    if (owning && owner instanceof Allocation allocation) {
      allocation.close();
    }
  }

  /**
   * What a function makes, of weights, of the bytes at the memory's address, which is kept
   * meanwhile. A segment is copied first: its arena may close at any moment.
   */
  <T> T reading(LongFunction<T> function) {
    if (isSegment()) {
      try (Scratch copy = Scratch.forWeights(bytes)) {
        ofAddress(copy.address(), bytes, type, null).put(this);
        return function.apply(copy.address());
      }
    }
    acquire();
    try {
      return function.apply(address);
    } finally {
      release();
    }
  }

  /** A copy, which the caller closes. */
  TernaryBuffer copy() {
    TernaryBuffer copy = allocate(type, elements());
    try {
      copy.put(this);
      return copy;
    } catch (Throwable e) { // closed meanwhile
      copy.close();
      throw e;
    }
  }

  /** Copies the elements of another view of the same type, of which there are as many here. */
  void put(TernaryBuffer source) {
    acquire();
    try {
      source.acquire();
      try {
        for (long at = 0; at < elements(); at += WINDOW / type.bytes()) {
          ByteBuffer from = source.window(at).duplicate();
          ByteBuffer to = window(at).duplicate();
          if (from.remaining() != to.remaining()) {
            throw new IllegalStateException(
                "the view has "
                    + source.elements()
                    + " elements now, not "
                    + elements()
                    + ": it was bound anew while it was copied");
          }
          to.put(from);
        }
      } finally {
        source.release();
      }
    } finally {
      release();
    }
  }

  /** Whether the memory is a segment's. */
  boolean isSegment() {
    return owner instanceof SegmentMemory;
  }

  /** What keeps the memory alive; may be null. */
  @Nullable Object owner() {
    return owner;
  }

  /** The segment that a native call must hold by the linker; null if the memory is no such. */
  @Nullable Object segment() {
    return owner instanceof SegmentMemory memory && memory.isShared() ? memory.segment() : null;
  }

  /** Keeps the memory until {@link #release}. */
  void acquire() {
    StackReserve.forCall();
    enter();
  }

  /** As {@link #acquire}, by a call that has acquired another handle and so has the stack. */
  void enter() {
    MemoryOwner.acquire(owner);
  }

  void release() {
    MemoryOwner.release(owner);
    Reference.reachabilityFence(this);
  }

  /** Memory that other code freed is noticed only where its owner tells. */
  @Override
  void checkAlive(String name) {
    if (closed) {
      throw new IllegalStateException(name + " is closed, must be open");
    }
    MemoryOwner.checkAlive(owner, name);
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
      long size = Math.min(WINDOW, bytes - start);
      window =
          owner instanceof SegmentMemory memory
              ? memory.window(start, size)
              : NativeMemory.view(address + start, (int) size);
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
