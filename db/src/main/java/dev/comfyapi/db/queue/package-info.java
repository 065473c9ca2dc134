/// What the leader does with tokens: find, assign, promote, expire, reap.
@NullMarked
package dev.comfyapi.db.queue;

import org.jspecify.annotations.NullMarked;
