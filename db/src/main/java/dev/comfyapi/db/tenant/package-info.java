/// The tenants: what each may do.
@NullMarked
package dev.comfyapi.db.tenant;

import org.jspecify.annotations.NullMarked;
