/// Tenants and the keys that speak for them.
@NullMarked
package dev.comfyapi.db.account;

import org.jspecify.annotations.NullMarked;
