/// What a worker does with its leases: complete, fail, release.
@NullMarked
package dev.comfyapi.db.lease;

import org.jspecify.annotations.NullMarked;
