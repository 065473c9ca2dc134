@NullMarked
package dev.comfyapi.api.asset;

import org.jspecify.annotations.NullMarked;
