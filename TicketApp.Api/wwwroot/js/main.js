import { startAccount } from "./account-panel.js";
import { watchConnection } from "./connection.js";
import { startStats } from "./stats-panel.js";
import { startForm } from "./submit-form.js";
import { addSubmitted, startList } from "./ticket-list.js";

startAccount();
startForm(addSubmitted);
startList();
startStats();
watchConnection();
