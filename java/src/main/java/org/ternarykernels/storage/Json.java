package org.ternarykernels.storage;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;

/** The one factory of JSON readers and writers. */
public final class Json {
  /**
   * A name that comes twice in an object is an error. Buffers are not recycled: Jackson would keep
   * them in thread-locals, which keep the class loader alive as long as the thread.
   */
  public static final JsonFactory FACTORY =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .recyclerPool(JsonRecyclerPools.nonRecyclingPool())
          .build();

  private Json() {}
}
