/// Webhooks: tells the addresses that clients name what becomes of their jobs.
@NullMarked
package dev.comfyapi.api.webhook;

import org.jspecify.annotations.NullMarked;
