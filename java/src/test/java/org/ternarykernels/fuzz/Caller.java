package org.ternarykernels.fuzz;

import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;

/**
 * The calls of one thread. Each is made of the seed, the thread's number and its own number, so a
 * seed gives the same calls whatever the other threads do; what is in the slots they name may
 * differ.
 */
final class Caller implements Runnable {
  private static final int BETWEEN_NEW_OBJECTS = 40;
  private static final int BETWEEN_NEW_FILES = 400;

  /** Calls whose texts are in the checksum: any run makes them all. */
  private static final int CHECKED = 1000;

  private final long seed;
  private final int thread;
  private final int count;
  private final List<Executable> api;
  private final Objects objects;
  private final ScratchFiles files;
  private final Findings findings;
  private final CRC32C texts = new CRC32C();

  /** The call being made and since when, for whoever waits; empty between two. */
  private volatile String now = "";

  private volatile long since;
  private volatile Throwable broken;

  Caller(
      long seed,
      int thread,
      int count,
      List<Executable> api,
      Objects objects,
      ScratchFiles files,
      Findings findings) {
    this.seed = seed;
    this.thread = thread;
    this.count = count;
    this.api = api;
    this.objects = objects;
    this.files = files;
    this.findings = findings;
  }

  @Override
  public void run() {
    try {
      int made = 0;
      for (int number = 0; made < count; number++) {
        Values values = new Values(new Random((seed * 1_000 + thread) * 10_000_000 + number));
        if (number % BETWEEN_NEW_OBJECTS == 0) {
          GoodObjects.make(values.others(), objects, files);
        }
        if (number % BETWEEN_NEW_FILES == 0) {
          files.damage(values.others(), thread);
        }
        made += call(number, values) ? 1 : 0;
      }
    } catch (Throwable e) { // the fuzzer's own
      broken = e;
    }
  }

  /** Whether a call was made: there may be no object yet to call, or it is better left open. */
  private boolean call(int number, Values values) throws Exception {
    Executable call = api.get(values.below(api.size()));
    int slot = values.below(24);
    boolean skipped = call.getName().equals("close") && values.chance(0.8);
    Argument[] arguments = new Arguments(call, values, objects, files).make();
    int kept = values.below(24);
    boolean closesOld = values.chance(0.7);
    String text = text(number, call, slot, arguments);
    if (number < CHECKED) {
      texts.update(text.getBytes(StandardCharsets.UTF_8));
    }
    Object target = target(call, slot, number);
    if (skipped || target == null && !isStatic(call)) {
      return false;
    }
    now = text;
    since = System.nanoTime();
    try {
      Object result = invoke(call, target, arguments);
      findings.returned(call);
      if (result != null && Objects.isKept(result.getClass())) {
        Object old = objects.put(result, kept);
        if (closesOld && old instanceof AutoCloseable closeable) {
          close(call, closeable, text);
        }
      }
    } catch (InvocationTargetException e) {
      findings.threw(call, e.getCause(), text);
    }
    now = "";
    return true;
  }

  /** Closes what a call's result has taken the slot of, which is a call as well. */
  private void close(Executable call, AutoCloseable old, String text) {
    try {
      old.close();
    } catch (Exception | Error e) {
      findings.threw(call, e, "close() of what was in the slot before " + text);
    }
  }

  private static boolean isStatic(Executable call) {
    return call instanceof Constructor<?> || Modifier.isStatic(call.getModifiers());
  }

  private Object target(Executable call, int slot, int number) {
    Class<?> type = call.getDeclaringClass();
    if (type.isEnum()) {
      return type.getEnumConstants()[number % type.getEnumConstants().length];
    }
    return isStatic(call) ? null : objects.get(type, slot);
  }

  private static Object invoke(Executable call, Object target, Argument[] arguments)
      throws ReflectiveOperationException {
    Object[] values = new Object[arguments.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = arguments[i].value();
    }
    return call instanceof Method method
        ? method.invoke(target, values)
        : ((Constructor<?>) call).newInstance(values);
  }

  private String text(int number, Executable call, int slot, Argument[] arguments) {
    StringBuilder text = new StringBuilder();
    text.append("seed ").append(seed).append(" thread ").append(thread);
    text.append(" call ").append(number).append(": ");
    text.append(PublicApi.name(call)).append(" on #").append(slot).append(" with");
    for (Argument argument : arguments) {
      text.append(" | ").append(argument.text());
    }
    return text.toString();
  }

  /** Throws what ended this thread, if the fuzzer itself failed. */
  void check() throws IOException {
    if (broken != null) {
      throw new IOException("thread " + thread + " of the fuzzer failed", broken);
    }
  }

  /** The call that has been running for longer than so many seconds, or empty. */
  String stuck(int seconds) {
    String call = now;
    return !call.isEmpty() && System.nanoTime() - since > seconds * 1_000_000_000L ? call : "";
  }

  /** A checksum of the first calls, made or skipped. */
  long checksum() {
    return texts.getValue();
  }
}
