package org.ternarykernels.tool.measure;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class InterleavedTest {
  private static final int CONTENDERS = 5;

  /** A letter a turn; the first ones are the warm-up. */
  private static String turns() {
    StringBuilder order = new StringBuilder();
    List<Interleaved.Contender> contenders = new ArrayList<>();
    for (int i = 0; i < CONTENDERS; i++) {
      int number = i;
      contenders.add(
          slice -> {
            order.append((char) ('A' + number));
            return number;
          });
    }
    double[][] nanos = Interleaved.run(contenders, 1000, 0);
    for (int i = 0; i < CONTENDERS; i++) {
      assertThat(nanos[i]).hasSize(Interleaved.FEWEST_ROUNDS).containsOnly(i);
    }
    return order.toString();
  }

  @Test
  void eachRoundHasEachContenderOnceInAnotherOrder() {
    String order = turns();
    assertThat(order).hasSize(CONTENDERS * (1 + Interleaved.FEWEST_ROUNDS)).startsWith("ABCDE");
    Set<String> rounds = new HashSet<>();
    for (int at = CONTENDERS; at < order.length(); at += CONTENDERS) {
      String round = order.substring(at, at + CONTENDERS);
      assertThat(round.chars().sorted().toArray()).containsExactly("ABCDE".chars().toArray());
      rounds.add(round);
    }
    assertThat(rounds).hasSizeGreaterThanOrEqualTo(Interleaved.FEWEST_ROUNDS - 1);
    assertThat(turns()).as("seeded").isEqualTo(order);
  }

  @Test
  void afterThreadsTheNextTurnWaitsUntilTheySleep() {
    long[] end = {System.nanoTime()};
    List<Long> gaps = new ArrayList<>();
    Interleaved.Contender timed =
        slice -> {
          gaps.add(System.nanoTime() - end[0]);
          end[0] = System.nanoTime();
          return 1;
        };
    Interleaved.run(List.of(Interleaved.on(2, timed)), 1000, 0);
    assertThat(gaps.subList(1, gaps.size()))
        .hasSize(Interleaved.FEWEST_ROUNDS)
        .allSatisfy(gap -> assertThat(gap).isGreaterThanOrEqualTo(10_000_000));
    assertThat(Interleaved.on(2, timed).threads()).isEqualTo(2);
    assertThat(timed.threads()).isEqualTo(1);
    gaps.clear();
    Interleaved.run(List.of(timed), 1000, 0);
    assertThat(gaps.subList(1, gaps.size()).stream().mapToLong(Long::longValue).min().orElseThrow())
        .as("one thread has nothing to wait for")
        .isLessThan(10_000_000);
  }

  @Test
  void turnsOnThreadsAreLonger() {
    List<Long> slices = new ArrayList<>();
    Interleaved.Contender timed =
        slice -> {
          slices.add(slice);
          return 1;
        };
    Interleaved.run(List.of(timed), 4000, 0);
    assertThat(slices.subList(1, slices.size())).containsOnly(4000L);
    slices.clear();
    Interleaved.run(List.of(Interleaved.on(2, timed)), 4000, 0);
    assertThat(slices.subList(1, slices.size())).containsOnly(20_000L);
  }

  @Test
  void aSliceLastsAndCountsItsCalls() {
    List<Long> calls = new ArrayList<>();
    long begin = System.nanoTime();
    double nanos = Interleaved.of(() -> calls.add(System.nanoTime())).slice(2_000_000);
    long lasted = System.nanoTime() - begin;
    assertThat(lasted).isGreaterThanOrEqualTo(2_000_000);
    assertThat(nanos).isBetween((double) 2_000_000 / calls.size(), (double) lasted);
    assertThat(calls).hasSizeGreaterThan(2);
    assertThat(Interleaved.of(() -> {}).slice(0)).as("at least one call").isNotNaN();
  }
}
