/// How graphs and requests point at files of the platform.
@NullMarked
package dev.comfyapi.model.asset;

import org.jspecify.annotations.NullMarked;
