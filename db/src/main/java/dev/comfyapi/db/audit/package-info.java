/// Who changed what.
@NullMarked
package dev.comfyapi.db.audit;

import org.jspecify.annotations.NullMarked;
