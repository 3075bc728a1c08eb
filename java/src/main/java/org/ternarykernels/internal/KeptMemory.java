package org.ternarykernels.internal;

import java.util.ArrayList;
import java.util.List;

/** Host memory that work on a device uses: neither freed nor collected before that has run. */
public final class KeptMemory {
  private final List<Object> owners = new ArrayList<>();

  /** Keeps an owner's memory; how much is kept now. */
  public synchronized int keep(Object owner) {
    owners.add(owner);
    try {
      MemoryOwner.acquire(owner);
    } catch (Throwable e) {
      owners.remove(owners.size() - 1);
      throw e;
    }
    return owners.size();
  }

  public synchronized boolean isEmpty() {
    return owners.isEmpty();
  }

  public synchronized void release() {
    owners.forEach(MemoryOwner::release);
    owners.clear();
  }
}
