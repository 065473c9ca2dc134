/// Files that requests and graphs name.
@NullMarked
package dev.comfyapi.model.asset;

import org.jspecify.annotations.NullMarked;
