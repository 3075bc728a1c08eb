package org.ternarykernels;

/**
 * Memory of the library's own, freed when it is closed and no call uses it any more, or when nobody
 * reaches it.
 */
final class Allocation {
  private final long address;
  private final NativeHandle.Owned owned;

  private Allocation(NativeMemory memory) {
    this.address = memory.address();
    this.owned = NativeHandle.own(this, "the buffer is", memory::free);
  }

  /** Zeroed bytes. */
  static Allocation of(long bytes) {
    StackReserve.forCreation();
    NativeMemory memory = NativeMemory.allocate(bytes);
    try {
      return new Allocation(memory);
    } catch (Throwable e) { // no heap for the handle
      memory.free();
      throw e;
    }
  }

  long address() {
    return address;
  }

  NativeHandle handle() {
    return owned.handle();
  }

  void close() {
    owned.close();
  }
}
