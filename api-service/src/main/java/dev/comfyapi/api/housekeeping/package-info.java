/// What the leader does beside dispatching: nothing is kept longer than promised, nothing deleted
/// too early, and the queue watches itself. One class for each duty.
@NullMarked
package dev.comfyapi.api.housekeeping;

import org.jspecify.annotations.NullMarked;
