package org.ternarykernels.tool.parity;

import java.util.Map;
import org.ternarykernels.TernaryRuntime;
import org.ternarykernels.example.Model;
import org.ternarykernels.example.Session;

/** A model on a runtime of its own. */
final class ModelBackend implements Backend, AutoCloseable {
  private final String name;
  private final TernaryRuntime runtime;
  private final Model model;
  private final int batch;

  /**
   * @param runtime is closed with the backend, and so is the model
   * @param batch positions of a prompt that go together
   */
  ModelBackend(String name, TernaryRuntime runtime, Model model, int batch) {
    this.name = name;
    this.runtime = runtime;
    this.model = model;
    this.batch = batch;
  }

  @Override
  public String name() {
    return name;
  }

  TernaryRuntime runtime() {
    return runtime;
  }

  int vocabulary() {
    return model.config().vocabulary();
  }

  int context() {
    return model.config().context();
  }

  Map<String, Long> pathCounts() {
    return runtime.pathCounts();
  }

  @Override
  public Text begin(int[] prompt) {
    Session session = model.session(batch);
    int last = 0;
    for (int from = 0; from < prompt.length; from += last) {
      last = Math.min(session.batch(), prompt.length - from);
      session.append(prompt, from, last);
    }
    return new SessionText(session, last - 1, new float[vocabulary()]);
  }

  private static final class SessionText implements Text {
    private final Session session;
    private final float[] logits;
    private final int[] next = new int[1];
    private int row;

    SessionText(Session session, int row, float[] logits) {
      this.session = session;
      this.row = row;
      this.logits = logits;
    }

    @Override
    public float[] logits() {
      session.logits(row, logits);
      return logits;
    }

    @Override
    public void append(int token) {
      next[0] = token;
      session.append(next, 0, 1);
      row = 0;
    }
  }

  @Override
  public void close() {
    model.close();
    runtime.close();
  }
}
