package org.ternarykernels.tool.playbook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.ternarykernels.tool.cli.ModelCommandsTest.assertFailure;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.ternarykernels.tool.cli.ToolRun;
import org.ternarykernels.tool.report.RunFixture;

/**
 * The report in a browser. Without Chromium the tests are skipped, but where TERNARY_BROWSER says
 * required they fail.
 */
@Tag("browser")
@Timeout(180)
class ReportBrowserTest {
  @TempDir Path folder;
  private Path page;

  @BeforeEach
  void write() throws Exception {
    List<Object> words = new ArrayList<>(List.of("report"));
    words.addAll(RunFixture.all(folder.resolve("runs")));
    page = folder.resolve("report.html");
    words.addAll(List.of("--out", page));
    ToolRun run = ToolRun.of(words.toArray());
    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(Files.readAllLines(Path.of(page + ".csv"))).hasSize(14);
  }

  private String chromium(String... more) throws Exception {
    boolean present = Files.isExecutable(Path.of("/usr/bin/chromium"));
    if (!present) {
      assertThat(System.getenv("TERNARY_BROWSER")).isNotEqualTo("required");
      assumeTrue(false, "there is no /usr/bin/chromium");
    }
    List<String> words =
        new ArrayList<>(
            List.of(
                "/usr/bin/chromium",
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--allow-file-access-from-files",
                "--user-data-dir=" + folder.resolve("profile")));
    words.addAll(List.of(more));
    Process process =
        new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return said;
  }

  /**
   * A page around the report, which measures it in a frame of so many pixels and writes what it
   * finds. Windows without a screen are no narrower than 500 pixels.
   */
  private String measured(int width) throws Exception {
    String script =
        "const f=document.querySelector('iframe');f.onload=()=>{const d=f.contentDocument,"
            + "w=d.documentElement;const wide=[...d.querySelectorAll('body *')].filter(e=>"
            + "!e.closest('.scroll')&&e.getBoundingClientRect().right>w.clientWidth+1)"
            + ".map(e=>e.tagName);const small=[...d.querySelectorAll('text,td,p')].filter(e=>{"
            + "const s=e.ownerSVGElement;const z=s?s.getBoundingClientRect().width/"
            + "s.viewBox.baseVal.width:1;return parseFloat(getComputedStyle(e).fontSize)*z<11.5})"
            + ".length;document.body.append(JSON.stringify({width:w.clientWidth,"
            + "scroll:w.scrollWidth,wide,small,sections:d.querySelectorAll('section').length,"
            + "rows:d.querySelectorAll('tbody tr').length,marks:d.querySelectorAll('path.mark')"
            + ".length,bars:d.querySelectorAll('rect.bar').length,title:d.title}))}";
    Path frame =
        Files.writeString(
            folder.resolve("frame.html"),
            "<!doctype html><body><iframe src=\"report.html\" style=\"width:"
                + width
                + "px;height:900px;border:0\"></iframe><script>"
                + script
                + "</script></body>");
    return chromium("--window-size=1700,1000", "--dump-dom", frame.toUri().toString());
  }

  @Test
  void itIsReadableOnAPhoneAndOnADesk() throws Exception {
    for (int width : new int[] {400, 1600}) {
      assertThat(measured(width))
          .as(width + " pixels")
          .contains("\"width\":" + width + ",\"scroll\":" + width + ",\"wide\":[],\"small\":0,")
          .contains("\"sections\":9,\"rows\":14,")
          .contains("\"title\":\"Ternary Kernels: report\"");
    }
  }

  @Test
  void itFollowsTheReadersChoiceOfLightAndDark() throws Exception {
    assertThat(cornerOf("light")).isEqualTo(0xffffff);
    assertThat(cornerOf("dark", "--blink-settings=preferredColorScheme=0")).isEqualTo(0x14181f);
  }

  private int cornerOf(String name, String... options) throws Exception {
    Path picture = folder.resolve(name + ".png");
    List<String> words = new ArrayList<>(List.of(options));
    words.add("--window-size=800,600");
    words.add("--screenshot=" + picture);
    words.add(page.toUri().toString());
    chromium(words.toArray(String[]::new));
    try {
      return ImageIO.read(picture.toFile()).getRGB(2, 2) & 0xffffff;
    } catch (IOException e) {
      throw new AssertionError("there is no picture " + name, e);
    }
  }

  @Test
  void whatCannotBeReadIsNamedOrLeftOut() throws Exception {
    Path none = Files.createDirectory(folder.resolve("none"));
    assertFailure(ToolRun.of("report", none, "--out", page), 2, "none", "config.json");
    Path load = folder.resolve("runs/load");
    ToolRun run = ToolRun.of("report", none, load, "--out", page, "--allow-missing");
    assertThat(run.exitCode()).isZero();
    assertThat(Files.readString(page)).contains("Left out: none", "<section id=\"load\">");
    Path odd = RunFixture.write(folder.resolve("odd"), "serve", Map.of(), List.of());
    assertFailure(ToolRun.of("report", odd, "--out", page), 2, "\"serve\"");
    assertFailure(ToolRun.of("report"), 2, "DIR");
    assertFailure(
        ToolRun.of("report", load, "--out", folder.resolve("no/r.html")), 2, "--out", "no folder");
  }
}
