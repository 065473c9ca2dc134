/// Webhooks: who is told of what, with which keys, and each message on its way.
@NullMarked
package dev.comfyapi.db.webhook;

import org.jspecify.annotations.NullMarked;
