package org.ternarykernels.tool.measure;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class MachineLimitTest {
  @Test
  void levelsAreThoseOfTheMachine() {
    Machine machine = new Machine();
    MachineLimit limit = new MachineLimit(machine);
    assertThat(limit.level(machine.cacheBytes(1), 1)).isEqualTo("l1");
    assertThat(limit.level(2 * machine.cacheBytes(1), 1)).isEqualTo("l2");
    assertThat(limit.level(2 * machine.cacheBytes(2), 2)).isEqualTo("l2");
    assertThat(limit.level(3 * machine.cacheBytes(2), 2)).isEqualTo("l3");
    assertThat(limit.level(4 * machine.lastLevelBytes(), 2)).isEqualTo("memory");
    assertThat(
            List.of(Machine.size("32K"), Machine.size("1M"), Machine.size("7"), Machine.size("")))
        .containsExactly(32768L, 1048576L, 7L, 0L);
  }
}
