/// Postgres, the truth about every job: one public store of verbs for each duty, each verb one
/// statement.
@NullMarked
package dev.comfyapi.db;

import org.jspecify.annotations.NullMarked;
