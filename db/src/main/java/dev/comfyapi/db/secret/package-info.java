/// Keys that all API instances share.
@NullMarked
package dev.comfyapi.db.secret;

import org.jspecify.annotations.NullMarked;
