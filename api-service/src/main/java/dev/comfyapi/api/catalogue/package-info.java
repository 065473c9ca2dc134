/// Which models and names the live workers know.
@NullMarked
package dev.comfyapi.api.catalogue;

import org.jspecify.annotations.NullMarked;
