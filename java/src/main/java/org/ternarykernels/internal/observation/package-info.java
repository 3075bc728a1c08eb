/**
 * How the library tells of itself: counters, flight recorder, log. Nothing here decides what a call
 * does or makes one fail.
 */
@NullMarked
package org.ternarykernels.internal.observation;

import org.jspecify.annotations.NullMarked;
