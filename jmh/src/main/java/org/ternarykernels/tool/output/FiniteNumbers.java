package org.ternarykernels.tool.output;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import java.io.IOException;

/** JSON has no NaN and no infinity: where a number is promised they are written as null. */
public final class FiniteNumbers extends SimpleModule {
  private static final long serialVersionUID = 1;

  public FiniteNumbers() {
    addSerializer(new FiniteSerializer<>(Double.class));
    addSerializer(new FiniteSerializer<>(Float.class));
  }

  private static final class FiniteSerializer<N extends Number> extends StdSerializer<N> {
    private static final long serialVersionUID = 1;

    FiniteSerializer(Class<N> type) {
      super(type);
    }

    @Override
    public void serialize(N number, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      if (!Double.isFinite(number.doubleValue())) {
        json.writeNull();
      } else if (number instanceof Float) {
        json.writeNumber(number.floatValue());
      } else {
        json.writeNumber(number.doubleValue());
      }
    }
  }
}
