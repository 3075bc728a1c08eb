package org.ternarykernels.tool.load;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.ternarykernels.tool.stack.Stack;

/**
 * Users' requests, served by one thread that makes steps as a server does: each step has a row of
 * every text that is being written, and as many rows of prompts as still fit. Texts beyond the
 * number of users wait, in the order of their arrival.
 */
public final class UserLoad {
  private static final double NANOS = 1e9;

  private final Stack stack;
  private final Clock clock;
  private final LoadPlan plan;
  private final LoadResult result;
  private final Deque<Request> waiting = new ArrayDeque<>();
  private final List<Request> inWork = new ArrayList<>();
  private Arrivals arrivals;
  private volatile int depth;

  public UserLoad(Stack stack, Clock clock, LoadPlan plan) {
    this.stack = stack;
    this.clock = clock;
    this.plan = plan;
    result = new LoadResult(plan);
  }

  /** Requests that wait at the moment; any thread may ask. */
  int queueDepth() {
    return depth;
  }

  /** Serves all requests, or as many as the time allows. */
  public LoadResult run() {
    long begin = clock.nanoTime();
    long end = begin + (long) (plan.seconds() * NANOS);
    arrivals = new Arrivals(plan, begin);
    while (true) {
      long now = clock.nanoTime();
      if (now >= end) {
        result.cut = true;
        break;
      }
      admit(now);
      if (!inWork.isEmpty()) {
        step();
      } else if (arrivals.nextArrival() == Long.MAX_VALUE) {
        break;
      } else {
        clock.sleepUntil(Math.min(end, arrivals.nextArrival()));
      }
    }
    inWork.forEach(Request::close);
    result.nanos = clock.nanoTime() - begin;
    return result;
  }

  private void admit(long now) {
    for (Request next = arrivals.next(now); next != null; next = arrivals.next(now)) {
      waiting.add(next);
    }
    while (inWork.size() < plan.users() && !waiting.isEmpty()) {
      Request request = waiting.poll();
      try {
        request.sequence = stack.begin(request.promptTokens, plan.newTokens(), request.seed);
        inWork.add(request);
      } catch (RuntimeException e) {
        fail(request, now, e);
      }
    }
    depth = waiting.size();
  }

  private void fail(Request request, long now, RuntimeException why) {
    result.failed++;
    result.why = String.valueOf(why.getMessage());
    request.close();
    arrivals.answered(now);
    for (Request next = arrivals.next(now); next != null; next = arrivals.next(now)) {
      waiting.add(next);
    }
  }

  /** One step. Texts that did not fit come first in the next. */
  private void step() {
    List<Request> chosen = new ArrayList<>();
    List<Stack.Part> parts = new ArrayList<>();
    int room = stack.mostRows();
    for (boolean reading : new boolean[] {false, true}) {
      for (Request request : inWork) {
        if (request.isReading() == reading && room > 0) {
          int rows = reading ? Math.min(room, request.promptLeft) : 1;
          parts.add(new Stack.Part(request.sequence, rows));
          chosen.add(request);
          room -= rows;
        }
      }
    }
    long begin = clock.nanoTime();
    try {
      stack.step(parts);
    } catch (RuntimeException e) {
      inWork.removeAll(chosen);
      chosen.forEach(request -> fail(request, clock.nanoTime(), e));
      return;
    }
    long now = clock.nanoTime();
    result.step.add(now - begin);
    result.rows += stack.mostRows() - room;
    result.waiting += waiting.size();
    result.mostWaiting = Math.max(result.mostWaiting, waiting.size());
    for (int i = 0; i < chosen.size(); i++) {
      took(chosen.get(i), parts.get(i).rows(), now);
    }
    inWork.removeAll(chosen); // behind those that did not fit
    chosen.stream().filter(request -> request.written < plan.newTokens()).forEach(inWork::add);
    finish(chosen, now);
  }

  private void took(Request request, int rows, long now) {
    if (request.isReading()) {
      request.promptLeft -= rows;
      if (request.isReading()) {
        return; // no token yet
      }
      result.firstToken.add(now - request.arrival);
    } else {
      result.betweenTokens.add(now - request.lastToken);
    }
    request.written++;
    request.lastToken = now;
    result.tokens++;
  }

  private void finish(List<Request> chosen, long now) {
    for (Request request : chosen) {
      if (request.written == plan.newTokens()) {
        result.served++;
        result.endToEnd.add(now - request.arrival);
        request.close();
        arrivals.answered(now);
      }
    }
  }
}
