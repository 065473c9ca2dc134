/// What the workers' ComfyUI installations have.
@NullMarked
package dev.comfyapi.db.catalogue;

import org.jspecify.annotations.NullMarked;
