/// Files that clients bring and jobs use.
@NullMarked
package dev.comfyapi.db.asset;

import org.jspecify.annotations.NullMarked;
