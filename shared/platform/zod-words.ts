/** To be imported where Zod's own words for what is wrong are shown: `zod/mini` comes without any. */
import en from 'zod/v4/locales/en.js';
import * as z from 'zod/mini';

z.config(en());
