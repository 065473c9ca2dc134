/// Gives waiting jobs to workers. One API instance leads; the others stand by and take over within
/// seconds.
@NullMarked
package dev.comfyapi.api.dispatch;

import org.jspecify.annotations.NullMarked;
