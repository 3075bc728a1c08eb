package org.ternarykernels.fuzz;

import java.io.IOException;
import java.lang.reflect.Array;
import java.lang.reflect.Executable;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.bytedeco.javacpp.Pointer;
import org.ternarykernels.CudaStream;
import org.ternarykernels.DataType;
import org.ternarykernels.TernaryBuffer;
import org.ternarykernels.TernaryWeights;
import org.ternarykernels.io.BitNetCheckpoint;

/** Makes the arguments of a call. */
final class Arguments {
  private static final Set<Class<?>> PLAIN =
      Set.of(
          long.class,
          int.class,
          boolean.class,
          float.class,
          double.class,
          Long.class,
          String.class,
          Path.class,
          byte[].class,
          float[].class,
          long[].class,
          int[].class,
          String[].class,
          ByteBuffer.class,
          Buffer.class,
          Pointer.class,
          List.class);

  private final Executable call;
  private final Values values;
  private final Objects objects;
  private final ScratchFiles files;

  Arguments(Executable call, Values values, Objects objects, ScratchFiles files) {
    this.call = call;
    this.values = values;
    this.objects = objects;
    this.files = files;
  }

  /** Whether there are values of a type: a new one in the API asks for a line here. */
  static boolean knows(Class<?> type) {
    return PLAIN.contains(type)
        || type.isEnum()
        || Foreign.isKnown(type)
        || Objects.isKept(type)
        || type.isArray() && Objects.isKept(type.getComponentType());
  }

  Argument[] make() throws IOException {
    Class<?>[] types = call.getParameterTypes();
    Argument[] made = new Argument[types.length];
    for (int i = 0; i < types.length; i++) {
      made[i] = make(types[i]);
    }
    if (takesAddress()) {
      vouch(types, made);
    }
    return made;
  }

  private boolean takesAddress() {
    return call.getName().equals("ofAddress")
        || call.getName().equals("set") && call.getParameterTypes()[0] == long.class;
  }

  /** The caller vouches for an address: it is real memory here, whose owner is handed over. */
  private void vouch(Class<?>[] types, Argument[] made) {
    ByteBuffer memory = ByteBuffer.allocateDirect(1 + values.length());
    int offset = values.below(Math.min(64, memory.capacity()));
    int count = values.below(memory.capacity() - offset + 1);
    boolean none = values.chance(0.1) || call.getDeclaringClass() == CudaStream.class;
    long address = none ? 0 : TernaryBuffer.of((Buffer) memory, DataType.I8).address() + offset;
    int seen = 0;
    for (int i = 0; i < types.length; i++) {
      if (types[i] == long.class && seen++ == 0) {
        made[i] = new Argument(address, none ? "0" : "address + " + offset);
      } else if (types[i] == long.class) {
        made[i] = Argument.of(values.chance(0.1) ? -1L - values.below(9) : (long) count);
      } else if (types[i] == Object.class) {
        made[i] = new Argument(memory, "its owner");
      }
    }
  }

  private Argument make(Class<?> type) throws IOException {
    if (type.isPrimitive()) {
      return Argument.of(primitive(type));
    }
    if (values.chance(0.04)) {
      return Argument.of(null);
    }
    if (type.isEnum()) {
      return Argument.of(values.oneOf(type.getEnumConstants()));
    }
    if (type == Path.class) {
      String name = ScratchFiles.name(call.getName(), values);
      return new Argument(files.path(name), name);
    }
    if (type == Pointer.class) {
      return new Argument(Memories.pointer(values), "a pointer");
    }
    if (type == Buffer.class || type == ByteBuffer.class) {
      return new Argument(Memories.buffer(values, files, type), "a buffer");
    }
    if (type.isArray() && Objects.isKept(type.getComponentType())) {
      return array(type.getComponentType());
    }
    if (Objects.isKept(type)) {
      return kept(type);
    }
    if (type == List.class) {
      return matrices();
    }
    return Foreign.isKnown(type) ? Foreign.make(type, values) : Argument.of(plain(type));
  }

  private Object primitive(Class<?> type) {
    if (type == boolean.class) {
      return values.chance(0.5);
    }
    if (type == float.class) {
      return values.real();
    }
    if (type == double.class) {
      return (double) values.real();
    }
    long size =
        switch (call.getName()) {
          case "allocate" -> values.memory();
          case "measureLimit" -> values.oneOf(0L, -1L, 1000L, 4096L, 8192L, 1L << 16, 1L << 20);
          case "threads" -> values.chance(0.9) ? 1 + values.below(4) : values.oneOf(0, -1, 1025);
          default -> values.size();
        };
    return type == int.class ? (Object) (int) size : (Object) size;
  }

  private Object plain(Class<?> type) {
    if (type == String.class) {
      return values.text();
    }
    if (type == byte[].class) {
      return values.bytes(values.length());
    }
    if (type == float[].class) {
      return values.reals(values.length());
    }
    if (type == Long.class) {
      return values.size();
    }
    if (type == String[].class) {
      String[] texts = new String[values.below(4)];
      Arrays.setAll(texts, i -> values.chance(0.05) ? null : values.text());
      return texts;
    }
    if (type == long[].class) {
      long[] sizes = new long[values.below(4)];
      Arrays.setAll(sizes, i -> values.size());
      return sizes;
    }
    int[] counts = new int[values.below(4)];
    Arrays.setAll(counts, i -> values.chance(0.9) ? 1 + values.below(32) : (int) values.size());
    return counts;
  }

  /** Of experts: the only list that the API takes. */
  private Argument matrices() {
    List<Object> list = new ArrayList<>();
    StringBuilder text = new StringBuilder("list [");
    Argument first = kept(TernaryWeights.class);
    for (int i = values.below(4); i > 0; i--) {
      Argument element = values.chance(0.7) ? first : kept(TernaryWeights.class);
      list.add(element.value());
      text.append(element.text()).append(' ');
    }
    return new Argument(list, text.append(']').toString());
  }

  private Argument kept(Class<?> type) {
    int slot = values.below(24);
    return new Argument(objects.get(type, slot), PublicApi.simpleName(type) + "#" + slot);
  }

  private Argument array(Class<?> type) {
    Object array = Array.newInstance(type, values.below(4));
    StringBuilder text = new StringBuilder("[");
    for (int i = 0; i < Array.getLength(array); i++) {
      Argument element =
          type == BitNetCheckpoint.Matrix.class && values.chance(0.7)
              ? Argument.of(
                  new BitNetCheckpoint.Matrix(
                      values.oneOf("a", "b", "q", "nope"),
                      values.oneOf(5L, 8L, 0L, -1L, values.size())))
              : kept(type);
      Array.set(array, i, element.value());
      text.append(element.text()).append(' ');
    }
    return new Argument(array, text.append(']').toString());
  }
}
