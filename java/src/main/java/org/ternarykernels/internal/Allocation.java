package org.ternarykernels.internal;

/**
 * Memory of the library's own, freed when it is closed and no call uses it any more, or when nobody
 * reaches it.
 */
public final class Allocation {
  private final long address;
  private final NativeHandle.Owned owned;

  private Allocation(NativeMemory memory) {
    this.address = memory.address();
    this.owned = NativeHandle.own(this, "the buffer is", memory::free);
  }

  /** Zeroed bytes. */
  public static Allocation of(long bytes) {
    StackReserve.forCreation();
    NativeMemory memory = NativeMemory.allocate(bytes);
    try {
      return new Allocation(memory);
    } catch (Throwable e) { // no heap for the handle
      memory.free();
      throw e;
    }
  }

  public long address() {
    return address;
  }

  NativeHandle handle() {
    return owned.handle();
  }

  public void close() {
    owned.close();
  }
}
