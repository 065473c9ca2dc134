/// Files that clients bring: uploaded, imported, checked, kept and named.
@NullMarked
package dev.comfyapi.api.asset;

import org.jspecify.annotations.NullMarked;
