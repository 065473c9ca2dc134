/// Tests with a running application, or its parts, on a real Postgres.
@NullMarked
package dev.comfyapi.api.housekeeping;

import org.jspecify.annotations.NullMarked;
