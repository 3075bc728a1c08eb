package org.ternarykernels.tool.peer;

import java.nio.file.Path;

/**
 * Another implementation that is timed beside ours.
 *
 * @param name in tables and of its fields in results
 * @param library with the functions of ternary_peer.h
 */
public record Peer(String name, Path library) {
  /** What a name may look like: no underscore, which parts it from the rest of a field's name. */
  public static final String NAME = "[A-Za-z0-9][A-Za-z0-9.+-]*";
}
