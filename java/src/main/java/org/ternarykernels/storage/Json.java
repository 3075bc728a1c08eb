package org.ternarykernels.storage;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;

/** The one factory of JSON readers and writers. */
public final class Json {
  /**
   * A name that comes twice in an object is an error. A character beyond 16 bits is written as it
   * is, since Jackson does not read a name with the two escapes that it writes for it. Buffers are
   * not recycled: Jackson would keep them in thread-locals, which keep the class loader alive as
   * long as the thread.
   */
  public static final JsonFactory FACTORY =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(JsonWriteFeature.COMBINE_UNICODE_SURROGATES_IN_UTF8)
          .recyclerPool(JsonRecyclerPools.nonRecyclingPool())
          .build();

  private Json() {}
}
