/// Registration and heartbeat of workers, and who is there.
@NullMarked
package dev.comfyapi.db.worker;

import org.jspecify.annotations.NullMarked;
