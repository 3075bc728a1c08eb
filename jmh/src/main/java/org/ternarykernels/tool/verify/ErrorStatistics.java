package org.ternarykernels.tool.verify;

import java.util.LinkedHashMap;
import java.util.Map;

/** How outputs differ from a reference: gathered row by row, from one or many products. */
public final class ErrorStatistics {
  public double maxAbs;
  public double maxRel;

  /** Largest error as a share of its bound; at most 1 where every output is within. */
  public double maxOfBound;

  long count;

  /** Outputs that are finite where the reference is not, or the other way round. */
  public long nonFinite;

  private double squares;
  private double dot;
  private double squaresOfOutput;
  private double squaresOfReference;

  /** A bound for each place of a row. */
  public interface Bound {
    double at(int column);
  }

  /**
   * Adds {@code y[from ...]} of one row against {@code reference[from ...]}; relative to max(|ref|,
   * RMS of its row).
   */
  public void addRow(float[] y, float[] reference, int from, int columns, Bound bound) {
    double power = 0;
    for (int i = from; i < from + columns; i++) {
      power += (double) reference[i] * reference[i];
    }
    double rms = Math.sqrt(power / columns);
    for (int i = 0; i < columns; i++) {
      add(y[from + i], reference[from + i], rms, bound.at(i));
    }
  }

  private void add(float y, float reference, double rms, double bound) {
    count++;
    if (!Float.isFinite(y) || !Float.isFinite(reference)) {
      nonFinite += Float.isFinite(y) == Float.isFinite(reference) ? 0 : 1;
      return;
    }
    double error = Math.abs((double) y - reference);
    double scale = Math.max(Math.abs(reference), rms);
    maxAbs = Math.max(maxAbs, error);
    maxRel = Math.max(maxRel, scale == 0 ? error : error / scale);
    maxOfBound = Math.max(maxOfBound, error / bound);
    squares += error * error;
    dot += (double) y * reference;
    squaresOfOutput += (double) y * y;
    squaresOfReference += (double) reference * reference;
  }

  public void add(ErrorStatistics other) {
    maxAbs = Math.max(maxAbs, other.maxAbs);
    maxRel = Math.max(maxRel, other.maxRel);
    maxOfBound = Math.max(maxOfBound, other.maxOfBound);
    count += other.count;
    nonFinite += other.nonFinite;
    squares += other.squares;
    dot += other.dot;
    squaresOfOutput += other.squaresOfOutput;
    squaresOfReference += other.squaresOfReference;
  }

  public double rmse() {
    return Math.sqrt(squares / Math.max(1, count));
  }

  /** 1 where both are all zeros. */
  public double cosine() {
    double sizes = Math.sqrt(squaresOfOutput) * Math.sqrt(squaresOfReference);
    return sizes == 0 ? (squaresOfOutput == squaresOfReference ? 1 : 0) : dot / sizes;
  }

  public Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("max_abs", maxAbs);
    json.put("max_rel", maxRel);
    json.put("rmse", rmse());
    json.put("cosine", cosine());
    json.put("non_finite", nonFinite);
    json.put("max_of_bound", maxOfBound);
    return json;
  }
}
