package org.ternarykernels.tool.cli;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** The manual page of a command with its subcommands, in the language of roff. */
final class ManPage {
  private final CommandSpec command;
  private final StringBuilder roff = new StringBuilder();

  ManPage(CommandSpec command) {
    this.command = command;
  }

  /** The whole page. */
  String text() {
    String name = command.name();
    macro("TH", name.toUpperCase(Locale.ROOT), "1", "", command.version()[0], "");
    macro("SH", "NAME");
    line(name + " - " + sentence(command.usageMessage().description()));
    macro("SH", "SYNOPSIS");
    line(name + " COMMAND [OPTIONS]");
    macro("SH", "COMMANDS");
    Map<String, CommandLine> sorted = new TreeMap<>(command.subcommands());
    sorted.values().forEach(sub -> subcommand(sub.getCommandSpec()));
    macro("SH", "EXIT STATUS");
    for (String line : command.usageMessage().footer()) {
      line(text(line));
    }
    return roff.toString();
  }

  private void subcommand(CommandSpec sub) {
    macro("SS", command.name() + " " + sub.name());
    line(sentence(sub.usageMessage().description()));
    for (PositionalParamSpec parameter : sub.positionalParameters()) {
      entry(parameter.paramLabel(), sentence(parameter.description()));
    }
    for (OptionSpec option : sub.options()) {
      String value = option.arity().max() > 0 ? " " + option.paramLabel() : "";
      entry(String.join(", ", option.names()) + value, sentence(option.description()));
    }
    for (String line : sub.usageMessage().footer()) {
      roff.append(".br\n");
      line(text(line));
    }
  }

  private void entry(String term, String description) {
    roff.append(".TP\n.B ").append(escape(term)).append('\n');
    line(description);
  }

  private void macro(String name, String... words) {
    roff.append('.').append(name);
    for (String word : words) {
      roff.append(" \"").append(escape(word).replace("\"", "\\(dq")).append('"');
    }
    roff.append('\n');
  }

  private void line(String text) {
    if (!text.isBlank()) {
      roff.append(escape(text)).append('\n');
    }
  }

  private String sentence(String... lines) {
    return text(String.join(" ", lines));
  }

  /** Without picocli's variables and markup, as help shows it. */
  private String text(String line) {
    return command
        .commandLine()
        .getColorScheme()
        .text(line)
        .plainString()
        .replaceAll("%%", "%")
        .strip();
  }

  /** No character has a meaning: a line may begin with a dot. */
  private static String escape(String text) {
    String plain = text.replace("\\", "\\e").replace("-", "\\-");
    return plain.startsWith(".") || plain.startsWith("'") ? "\\&" + plain : plain;
  }
}
